export interface RateBound {
  /** Whether one more is within the bound; it counts if so. */
  admits(): boolean;
}

/** So many at once, and so many a second behind that. `nowMs` does not go back. */
export function createRateBound(
  { atOnce, perSecond }: { readonly atOnce: number; readonly perSecond: number },
  nowMs: () => number,
): RateBound {
  let left = atOnce;
  let lastMs = nowMs();
  return {
    admits() {
      const now = nowMs();
      left = Math.min(atOnce, left + ((now - lastMs) / 1000) * perSecond);
      lastMs = now;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
