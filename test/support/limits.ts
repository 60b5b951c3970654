/**
 * How long tests wait. A wait ends with its event, so these limits cost nothing as long as tests pass: they
 * are far above what a test takes on a machine that has other work, and they promise nothing about time. None
 * of them may be what a test finds out.
 */
import { availableParallelism, loadavg } from "node:os";

/** For one event to come, one call to be answered, one program to end. */
export const WAIT_MS = 60_000;

/** For what has 100,000 of something to go through: a start, a list of a set, a load of nft(8). */
export const LONG_MS = 180_000;

/** For one test, and for one hook. */
export const TEST_MS = 600_000;
export const HOOK_MS = 300_000;

/** For a C library in a lab to have an answer; it asks once. Its programs wait longer. */
export const RESOLVE_SECONDS = 10;

/** For compilers that build a client, and their own libraries with it if they have not been used before. */
export const BUILD_MS = 900_000;

/**
 * So many times a promise in a quiet minute, and as often again for each process that waits for a processor.
 */
const PATIENCE = 5;
const MOST_PATIENCE = 50;

/**
 * The limit for what is promised within `ms` on a quiet machine, where what comes later is another fact than
 * what does not come. It grows with the machine's load of the last minute.
 */
export function promised(ms: number): number {
  const [lastMinute = 0] = loadavg();
  return ms * Math.min(PATIENCE * Math.max(1, lastMinute / availableParallelism()), MOST_PATIENCE);
}
