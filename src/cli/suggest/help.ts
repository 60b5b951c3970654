import { PLACE_HELP } from "../call/place-help.ts";

export const SUGGEST_HELP = `egress suggest - writes a policy for what the sandbox has tried

Usage: egress suggest [OPTIONS]

It prints, as JSON, the smallest policy that allows the names that were looked up and the addresses that were
tried without a name. It leaves out what a rule denies, and names that on standard error.
docs/observability.md describes audit mode.

  --wildcards         write one wildcard instead of several names below it
  --ports             write rules for the ports of refused and audited connections
  --json              print all that is known as JSON on standard output, errors on standard error

${PLACE_HELP}
  egress suggest > policy.json; egress policy replace --file policy.json

Exit: 0 done; 64 wrong command line; 69 no answer; 77 not allowed; 78 wrong setting;
74 the output cannot be written, 141 nobody reads it any more.
`;
