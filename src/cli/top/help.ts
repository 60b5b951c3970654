import { PLACE_HELP } from "../call/place-help.ts";

export const TOP_HELP = `egress top - watches the decisions of a running sidecar, live, on the whole screen

Usage: egress top [OPTIONS]

It shows the targets with most denials first, and how many decisions came in each second of the last minute.
q or Ctrl-C ends it, and leaves the terminal as it was. If standard output is no terminal, it prints one
frame.

${PLACE_HELP}
Exit: 0 done; 64 wrong command line; 69 no answer; 77 not allowed; 78 wrong setting;
74 the output cannot be written, 141 nobody reads it any more.
`;
