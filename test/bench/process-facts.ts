/** Memory and processor time of a process, from proc(5). */
import { readFile } from "node:fs/promises";

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

/** Milliseconds on a processor since its start, all threads together; from the scheduler's nanoseconds, for ticks are too coarse. */
export async function readProcessorMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/sched`, "ascii").catch(() => "");
  const own = Number(/se\.sum_exec_runtime\s*:\s*([\d.]+)/.exec(text)?.[1] ?? Number.NaN);
  return Number.isNaN(own) ? readTicks(pid) : Math.max(own, await readTicks(pid));
}

const MS_PER_TICK = 10;

async function readTicks(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "ascii");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}
