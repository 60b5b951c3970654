import { createRateBound, type RateBound } from "../../intercept/rate-bound.ts";

/** At once twice what a client may have open: one that drops all at once may do so again. */
const RESETS = { atOnce: 512, perSecond: 32 };

/**
 * How many requests of a session its client may reset in a short time. Each costs a judgement, and often a
 * connection to the origin, and is over before a bound of open streams sees it (CVE-2023-44487).
 */
export function createResetBound(nowMs: () => number): RateBound {
  return createRateBound(RESETS, nowMs);
}
