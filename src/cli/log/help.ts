import { PLACE_HELP } from "../call/place-help.ts";

export const LOG_HELP = `egress log - shows what a running sidecar has decided, the latest last

Usage: egress log [OPTIONS]

It prints a line for each lookup and each refused connection: when, what was decided, about what, and by which
rule. At its end stand the addresses that a name was given, or why there are none.

  --follow, -f        follow: print decisions as they are made
  --denied            only what was denied, or would be (audit mode), and names that lost all addresses
  --name NAME         only a name, or the subdomains of one: '*.example.org'
  --address ADDRESS   only an address or a prefix
  --limit, -n N       the last N, 0 to 1000 (default: 100)
  --json              print each decision as a line of JSON on standard output, errors on standard error

${PLACE_HELP}NO_COLOR switches colours off.

  egress log -f --denied
  egress log --name api.example.com --json

Exit: 0 there is such a decision; 1 there is none; 64 wrong command line; 65 refused as wrong input;
69 no answer; 77 not allowed; 78 wrong setting; 74 the output cannot be written, 141 nobody reads it any more.
`;
