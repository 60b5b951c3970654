import { setTimeout as delay } from "node:timers/promises";
import type { EnforcedLayers } from "./enforced-layers.ts";
import type { TaskQueue } from "./task-queue.ts";

export interface KernelRetry {
  /**
   * Gives the kernel what is in force again and again, if it may hold something else; until it has taken it,
   * or a change has gone through.
   */
  begin(): void;
  /** Ends it. */
  close(): void;
}

/** Each try waits `retryMs`, and its turn in `queue` among the changes. */
export function createKernelRetry(
  enforced: Pick<EnforcedLayers, "fault" | "putBack">,
  queue: TaskQueue,
  retryMs: number,
): KernelRetry {
  const closing = new AbortController();
  let isUnderWay = false;

  async function run(): Promise<void> {
    isUnderWay = true;
    while (enforced.fault() !== undefined) {
      const isDue = await delay(retryMs, true, { signal: closing.signal, ref: false }).catch(() => false);
      if (!isDue) break;
      await queue.run(async () => (enforced.fault() === undefined ? undefined : enforced.putBack()));
    }
    isUnderWay = false;
  }

  return {
    begin() {
      if (!isUnderWay && enforced.fault() !== undefined) void run();
    },
    close: () => closing.abort(),
  };
}
