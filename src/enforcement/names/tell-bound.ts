import { createRateBound, type RateBound } from "../../intercept/rate-bound.ts";

/** As the kernel tells of refused connections. */
export const TOLD_PER_SECOND = 100;

/** So many a second, and twice that in a burst: a workload refuses itself as many as it likes. */
export function createTellBound(perSecond: number, nowMs: () => number): RateBound {
  return createRateBound({ atOnce: 2 * perSecond, perSecond }, nowMs);
}
