import { setImmediate as nextTurn } from "node:timers/promises";

/**
 * In a turn of the event loop a lookup waits no longer than this and one step, for each of the works that
 * follow one another in it.
 */
const SLICE_MS = 0.5;

/**
 * Takes steps to their end, and lets everything else have its turn each half millisecond. A step is to be far
 * shorter than that.
 */
export async function runInSlices<T>(steps: Iterator<unknown, T, undefined>): Promise<T> {
  for (;;) {
    const endsAt = performance.now() + SLICE_MS;
    do {
      const { done, value } = steps.next();
      if (done === true) return value;
    } while (performance.now() < endsAt);
    await nextTurn();
  }
}
