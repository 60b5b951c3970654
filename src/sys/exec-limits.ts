/** What one program may be given at its start: the limits on arguments and environment of execve(2). */
import { readFileSync } from "node:fs";

const KIB = 1024;
/** Of one argument or variable, with the octet 0 at its end. */
const LONGEST = 128 * KIB;
const LEAST = 128 * KIB;
const MOST = 6 * KIB * KIB;
const POINTER = 8;

export interface ExecLimits {
  /** Of one argument or variable, in octets, without its end. */
  readonly longest: number;
  /** Of all of them, as {@link sizeOnExec} counts. */
  readonly total: number;
}

/** A quarter of the stack that this process may have, within bounds. Throws Node's errors. */
export function readExecLimits(): ExecLimits {
  const soft = /^Max stack size\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
  const stack = soft === undefined ? MOST : Number(soft) / 4;
  return { longest: LONGEST - 1, total: Math.max(Math.min(stack, MOST), LEAST) };
}

/** Each with its end, and a pointer to it. */
export function sizeOnExec(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length + 1 + POINTER, 0);
}
