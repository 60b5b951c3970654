import { setTimeout as sleep } from "node:timers/promises";
import { WAIT_MS } from "./limits.ts";

/**
 * Asks again every few milliseconds until the answer is not `undefined` or false; throws with `what` when
 * time runs out.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = WAIT_MS,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`still not after ${timeoutMs} ms: ${what}`);
    await sleep(5);
  }
}
