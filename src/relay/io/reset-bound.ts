/**
 * How many requests of a session its client may reset in a short time. Each costs a judgement, and often a
 * connection to the origin, and is over before a bound of open streams sees it (CVE-2023-44487).
 */
export interface ResetBound {
  /** One more was reset. Whether that is within the bound. */
  admits(): boolean;
}

/** Twice what a client may have open: one that drops all at once may do so again. */
const RESETS_AT_ONCE = 512;
const RESETS_PER_SECOND = 32;

/** `nowMs` does not go back. */
export function createResetBound(nowMs: () => number): ResetBound {
  let left = RESETS_AT_ONCE;
  let lookedMs = nowMs();
  return {
    admits() {
      const now = nowMs();
      left = Math.min(RESETS_AT_ONCE, left + ((now - lookedMs) / 1000) * RESETS_PER_SECOND);
      lookedMs = now;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
