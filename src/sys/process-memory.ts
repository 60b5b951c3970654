/**
 * How much room glibc's malloc and V8 keep, and who collects it; where another malloc refuses these calls
 * nothing is lost.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { tryCall } from "./libc.ts";

/** malloc.h */
const M_MMAP_THRESHOLD = -3;
const M_ARENA_MAX = -8;
/**
 * More than the 64 KiB that Node has for each read of a stream: each would be a mapping made and removed, a
 * sixth of the processor time of what is passed on in bulk.
 */
const LARGE_OCTETS = 96 << 10;

/**
 * Large pieces come from the kernel, as pages that cost nothing until they are touched, and go back to it.
 * Without this, one large piece that is freed teaches malloc to cut the next ones out of its heap, and to
 * write zeros there. Call it before the first large piece.
 */
export function raiseMmapThreshold(): void {
  tryCall("mallopt", M_MMAP_THRESHOLD, LARGE_OCTETS);
  tryCall("mallopt", M_ARENA_MAX, 1);
}

/**
 * Lets V8's young generation grow no further. It doubles whenever enough has outlived a collection, which at
 * the start pays and later is chance; what a lookup leaves behind is so little that collections are rare
 * anyway.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}

/**
 * Has V8's young generation collected by one thread: ours, or a helper that is quicker to take the work, for
 * which ours waits. Otherwise ours waits for several, and if the processors have other work, each waits for
 * its turn first. That took 4 to 90 ms for a collection of 0.5 ms. The old generation keeps its helpers,
 * which work beside us. V8 of Node 26 has no option by which only ours would do it.
 */
export function collectYoungGenerationOnOneThread(): void {
  setFlagsFromString("--no-parallel-scavenge");
}

/**
 * Loads modules while neither holds. V8 takes compiled code, the code of Node's own modules too, only by the
 * flags that it was made with: else it compiles everything, and the first call of the API takes twice its
 * processor time.
 */
export async function loadByFirstFlags<T>(load: () => Promise<T>): Promise<T> {
  setFlagsFromString("--semi-space-growth-factor=2");
  setFlagsFromString("--parallel-scavenge");
  try {
    return await load();
  } finally {
    keepYoungGenerationSmall();
    collectYoungGenerationOnOneThread();
  }
}

/**
 * Has V8 collect all that it can, and give the pages back. Some 25 ms, in which nothing else is done. V8
 * gives its function for that only to contexts that are made while the flag is set.
 */
export function collectAll(): void {
  setFlagsFromString("--expose-gc");
  try {
    runInNewContext("gc()");
  } finally {
    setFlagsFromString("--no-expose-gc");
  }
}

/** Gives freed memory back to the kernel: a fraction of a millisecond. */
export function giveFreedMemoryBack(): void {
  tryCall("malloc_trim", 0);
}
