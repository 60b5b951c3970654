import { setImmediate as nextTurn } from "node:timers/promises";

/** Between two turns of the event loop a lookup waits for no longer than this and one step. */
const SLICE_MS = 1;

/** Takes steps to their end, and lets everything else have its turn each millisecond. A step is to be far shorter than that. */
export async function inSlices<T>(steps: Iterator<unknown, T, undefined>): Promise<T> {
  for (;;) {
    const endsAt = performance.now() + SLICE_MS;
    do {
      const { done, value } = steps.next();
      if (done === true) return value;
    } while (performance.now() < endsAt);
    await nextTurn();
  }
}
