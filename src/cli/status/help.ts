import { PLACE_HELP } from "../call/place-help.ts";

export const STATUS_HELP = `egress status - shows what a running sidecar has in force

Usage: egress status [OPTIONS]

It prints health, policy layers, protections, interfaces, upstreams, counts, and a page of learned addresses,
each with its names and the seconds that it has left.

  --limit N           show so many addresses, 0 to 1000 (default: 100)
  --after CURSOR      show the addresses after this cursor, with which the page before ends
  --json              print the answer as JSON on standard output, errors as JSON on standard error

  --run               talk to the sidecar of the egress run that is under way on this machine
${PLACE_HELP}
Exit: 0 it answered, in whatever health; 64 wrong command line; 65 refused as wrong input; 69 no answer;
77 not allowed; 78 wrong setting; 74 the output cannot be written, 141 nobody reads it any more.
`;
