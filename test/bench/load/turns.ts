/** The longest turns of a sidecar's event loop, where it was started with the meter. */
import { readFile, rm } from "node:fs/promises";
import { z } from "zod";
import type { Argv } from "../../../src/netns/command.ts";
import { until } from "../../support/until.ts";

const METER = new URL("turn-meter.ts", import.meta.url);
const turns = z.object({ turnMs: z.number(), workMs: z.number() });

/**
 * Of all turns since they were last read: one by the clock, and one, maybe another, by the processor time of
 * the loop's thread.
 */
export type LongestTurns = z.infer<typeof turns>;

/** The program, which begins with Node, with the meter. */
export function withTurnMeter([node, ...rest]: Argv, file: string): Argv {
  return [node, "--import", `${METER.href}?report=${encodeURIComponent(file)}`, ...rest];
}

export async function readTurns(pid: number, file: string): Promise<LongestTurns> {
  await rm(file, { force: true });
  process.kill(pid, "SIGUSR2");
  // Half a file is no JSON.
  const read = async (): Promise<LongestTurns | undefined> =>
    turns.parse(JSON.parse(await readFile(file, "utf8")));
  return until("the turn meter has written", () => read().catch(() => undefined));
}
