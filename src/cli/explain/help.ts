import { PLACE_HELP } from "../call/place-help.ts";

export const EXPLAIN_HELP = `egress explain - says whether a name or an address can be reached, and why

Usage: egress explain TARGET[:PORT[/APP]] [OPTIONS]

It prints the rules that match, in their order, and which one decides; what the resolver answers; the
addresses in force and how long; whether the kernel lets a connection pass now; what the far end does with
open ones; and the smallest change of the policy that reverses the answer. It asks no upstream and changes
nothing. APP is what the connection speaks: tls, http, ssh or postgres.

  --protocol WORD     tcp, udp or icmp (default: tcp)
  --try               open a connection to the port, as a process of the sandbox would, and say what the
                      far end does
  --method WORD       say what becomes of such a request to a bound host (default: GET)
  --path PATH         its path as it is sent, without the query (default: /)
  --json              print the answer as JSON on standard output, errors as JSON on standard error

${PLACE_HELP}
  egress explain api.example.com:443 --try
  egress explain git.example.com:22/ssh
  egress explain api.example.com --method POST --path /repos/one
  egress explain '[2001:db8::7]:443' --protocol udp

Exit: 0 it is reached; 1 it is not; 64 wrong command line; 65 no such target; 69 no answer; 77 not allowed;
78 wrong setting; 74 the output cannot be written, 141 nobody reads it any more.
`;
