/**
 * A pipe whose ends are numbers, for programs that replace this one (execve(2)): Node keeps its own pipes to
 * itself.
 */
import { createArena } from "./arena.ts";
import { mustCall } from "./libc.ts";

export interface PipeEnds {
  readonly reading: number;
  readonly writing: number;
}

const O_CLOEXEC = 0o2000000;

/** No program that is started gets them, unless told. Throws SystemCallError. */
export function openPipe(): PipeEnds {
  const ends = createArena(8);
  mustCall("a pipe", "pipe2", ends.address(0), O_CLOEXEC);
  return { reading: ends.words[0] ?? -1, writing: ends.words[1] ?? -1 };
}
