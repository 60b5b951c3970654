/** A download in the sandbox that never ends by itself, watched. */
import type { CommandEnd } from "../../src/netns/command.ts";
import { curlArgv } from "../support/curl.ts";
import type { Lab } from "../support/lab.ts";
import { until } from "../support/until.ts";

export interface Download {
  /** Octets so far. */
  octets(): number;
  hasEnded(): boolean;
  readonly end: Promise<CommandEnd>;
}

/** Starts it, and settles once octets arrive or it has ended. */
export async function startDownload(lab: Lab, url: string): Promise<Download> {
  const curl = lab.startAsWorkload(curlArgv(["--no-buffer", "--max-time", "25", url]));
  let octets = 0;
  curl.stdout.on("data", (chunk: Buffer) => (octets += chunk.length));
  curl.stderr.resume();
  await until(`${url} answers`, () => octets > 0 || curl.hasEnded());
  return { octets: () => octets, hasEnded: curl.hasEnded, end: curl.end };
}
