/** What a running sidecar does so that it takes little memory. */
import {
  collectAll,
  collectYoungGenerationOnOneThread,
  giveFreedMemoryBack,
  keepYoungGenerationSmall,
} from "../sys/process-memory.ts";

/** Between two times that freed memory goes back to the kernel. */
const TRIM_MS = 15_000;

/**
 * Call it once the start is over. In the first fifteen seconds without a lookup it collects what the start
 * has left behind, a sixth of the memory. That holds the loop up for about 25 ms. `countLookups`: since the
 * start. Returns what ends it.
 */
export function keepMemorySmall(countLookups: () => number, collect = collectAll): () => void {
  keepYoungGenerationSmall();
  collectYoungGenerationOnOneThread();
  giveFreedMemoryBack();
  let counted = countLookups();
  let isCollected = false;
  function tidy(): void {
    const before = counted;
    counted = countLookups();
    if (!isCollected && counted === before) {
      collect();
      isCollected = true;
    }
    giveFreedMemoryBack();
  }
  const timer = setInterval(tidy, TRIM_MS).unref();
  return () => clearInterval(timer);
}

/** Connections between two collections: some 3 MiB, and 50 microseconds of each. */
const CONNECTIONS = 500;

/**
 * Call it at each connection to the API. What a crowd's connections leave behind has outlived V8's young
 * generation, and V8 would let 30 MiB of it lie before it looks.
 */
export function collectAfterConnections(collect = collectAll): () => void {
  let count = 0;
  return () => {
    count = (count + 1) % CONNECTIONS;
    if (count === 0) setImmediate(collect);
  };
}
