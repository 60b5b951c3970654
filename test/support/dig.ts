/** dig, with what it prints taken apart. */
import type { Argv, CommandResult } from "../../src/netns/command.ts";
import { WAIT_MS } from "./limits.ts";

export interface DigAnswer {
  /** `NOERROR`, `NXDOMAIN`, ...; `undefined` when no answer came. */
  readonly rcode: string | undefined;
  readonly flags: readonly string[];
  /** The data of the answer section's A and AAAA records. */
  readonly addresses: readonly string[];
  /** The answer section's records, as `name ttl class type data`. */
  readonly records: readonly string[];
  /** EDE info code and text as dig shows them, such as `15 (Blocked): (no rule allows one.example.org)`. */
  readonly ede: string | undefined;
  readonly durationMs: number;
  /** All that dig said. */
  readonly text: string;
}

/**
 * dig's command line: one try, which waits long for its answer; a test that wants none says `+time=1`. `args`
 * as on dig's own: `["@192.0.2.1", "-t", "A", "+tcp", "one.example.org"]`.
 */
export function digArgv(args: readonly string[]): Argv {
  return ["dig", "+tries=1", `+time=${WAIT_MS / 4000}`, "+nocookie", ...args];
}

export function parseDig(result: CommandResult): DigAnswer {
  const text = result.stdout;
  const records = section(text, "ANSWER");
  return {
    rcode: /status: (?<rcode>\w+)/.exec(text)?.groups?.["rcode"],
    flags: (/;; flags: (?<flags>[a-z ]*);/.exec(text)?.groups?.["flags"] ?? "").split(" ").filter(Boolean),
    addresses: records.flatMap((record) => {
      const [, , , rrtype, data] = record.split(" ");
      return (rrtype === "A" || rrtype === "AAAA") && data !== undefined ? [data] : [];
    }),
    records,
    ede: /EDE: (?<ede>[^\n]*)/.exec(text)?.groups?.["ede"],
    durationMs: result.durationMs,
    text,
  };
}

function section(text: string, name: string): readonly string[] {
  const start = text.indexOf(`;; ${name} SECTION:\n`);
  if (start === -1) return [];
  const body = text.slice(text.indexOf("\n", start) + 1).split("\n\n")[0] ?? "";
  return body
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith(";"))
    .map((line) => line.replaceAll(/\s+/g, " "));
}
