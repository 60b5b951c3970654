export interface TellBound {
  /** Whether one more may be told now. */
  admits(): boolean;
}

/** As the kernel tells of refused connections. */
export const TOLD_PER_SECOND = 100;

/** So many a second, and twice that in a burst: a workload refuses itself as many as it likes. */
export function createTellBound(perSecond: number, nowMs: () => number): TellBound {
  const burst = 2 * perSecond;
  let left = burst;
  let lastMs = nowMs();
  return {
    admits() {
      const now = nowMs();
      left = Math.min(burst, left + ((now - lastMs) / 1000) * perSecond);
      lastMs = now;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
