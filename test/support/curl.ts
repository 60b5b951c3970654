/** curl, with its outcome taken apart. */
import type { Argv, CommandResult } from "../../src/netns/command.ts";
import { WAIT_MS } from "./limits.ts";

export interface CurlAnswer {
  /** curl's own exit code: 0 done, 6 name not resolved, 7 not connected, 28 time ran out, 56 reset. */
  readonly exitCode: number | undefined;
  /** The HTTP status, 0 without an answer. */
  readonly status: number;
  readonly body: string;
  readonly durationMs: number;
  /** curl's complaint, if any. */
  readonly complaint: string;
}

const TRAILER = "\n#status ";

/** curl's command line: `WAIT_MS` at most, no proxy, no configuration of the user's. */
export function curlArgv(args: readonly string[]): Argv {
  return [
    "curl",
    "-q",
    "-sS",
    "--noproxy",
    "*",
    "--max-time",
    String(WAIT_MS / 1000),
    "-w",
    `${TRAILER}%{http_code}`,
    ...args,
  ];
}

/**
 * curl's arguments for a URL of a name at an address that an earlier lookup has opened: none is made anew,
 * and the connection shows the name, as those to addresses of names must.
 */
export function urlAt(address: string, url: string): readonly string[] {
  return ["--connect-to", `::${address.includes(":") ? `[${address}]` : address}:`, url];
}

export function parseCurl(result: CommandResult): CurlAnswer {
  const at = result.stdout.lastIndexOf(TRAILER);
  return {
    exitCode: result.exitCode,
    status: at === -1 ? 0 : Number(result.stdout.slice(at + TRAILER.length)),
    body: at === -1 ? result.stdout : result.stdout.slice(0, at),
    durationMs: result.durationMs,
    complaint: result.stderr.trim(),
  };
}
