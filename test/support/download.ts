/** A download in the sandbox that never ends by itself, watched. */
import type { CommandEnd } from "../../src/netns/command.ts";
import { curlArgv } from "./curl.ts";
import type { Lab } from "./lab.ts";
import { TEST_MS } from "./limits.ts";
import { until } from "./until.ts";

export interface Download {
  /** Octets so far. */
  octets(): number;
  /** The longest time between two arrivals so far; the lab's server sends every 20 ms. */
  longestGapMs(): number;
  hasEnded(): boolean;
  /** curl's exit code 56 is a reset, 18 a close in the middle, 28 the time limit. */
  readonly end: Promise<CommandEnd>;
  /** Ends it, as its user would. */
  stop(): Promise<void>;
}

/**
 * Starts it, and settles once octets arrive or it has ended. Without a family curl picks one. `url` may be
 * what `urlAt` gives.
 */
export async function startDownload(
  lab: Lab,
  url: string | readonly string[],
  family?: "-4" | "-6",
  limitSeconds = TEST_MS / 1000,
): Promise<Download> {
  const options = [
    "--no-buffer",
    "--max-time",
    String(limitSeconds),
    ...(family === undefined ? [] : [family]),
  ];
  const curl = lab.startAsWorkload(curlArgv([...options, ...[url].flat()]));
  let octets = 0;
  let [lastMs, gapMs] = [performance.now(), 0];
  curl.stdout.on("data", (chunk: Buffer) => {
    const now = performance.now();
    if (octets > 0) gapMs = Math.max(gapMs, now - lastMs);
    lastMs = now;
    octets += chunk.length;
  });
  curl.stderr.resume();
  await until(`${[url].flat().join(" ")} answers`, () => octets > 0 || curl.hasEnded());
  return {
    octets: () => octets,
    longestGapMs: () => Math.max(gapMs, performance.now() - lastMs),
    hasEnded: curl.hasEnded,
    end: curl.end,
    async stop() {
      curl.kill("SIGKILL");
      await curl.end;
    },
  };
}
