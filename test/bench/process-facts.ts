/** Memory and processor time of a process, from proc(5). */
import { readdir, readFile } from "node:fs/promises";

export interface Memory {
  readonly anonymousMiB: number;
  readonly rssMiB: number;
  /** Its share of what it shares with others. */
  readonly pssMiB: number;
}

export async function readMemory(pid: number): Promise<Memory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "ascii");
  const mebibytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? Number.NaN) / 1024;
  return { anonymousMiB: mebibytes("Anonymous"), rssMiB: mebibytes("Rss"), pssMiB: mebibytes("Pss") };
}

/**
 * Milliseconds on a processor of all the threads that it has now, from the scheduler's nanoseconds: ticks are
 * too coarse.
 */
export async function readProcessorMs(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const times = await Promise.all(
    threads.map(async (thread) => {
      const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, "ascii").catch(() => "0");
      return Number(text.split(" ")[0]) / 1e6;
    }),
  );
  return times.reduce((sum, time) => sum + time, 0);
}
