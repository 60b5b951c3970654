/** How long a call may be under way: its time may be that far behind ours. */
export const SIGNATURE_LIFE_MS = 60_000;

/**
 * How far it may be ahead. After a change signed by a clock that is ahead, none signed by a clock in step is
 * accepted for that long. Somebody may hold a change of the clock ahead back for as long.
 */
export const SIGNATURE_AHEAD_MS = 5000;

/**
 * More signed calls than this within two minutes are not honest traffic; it bounds the memory that they take.
 */
const NONCES_MAX = 65_536;

/** Nonces of calls whose signature held, each kept until its call would be too old anyway. */
export interface SeenNonces {
  /** False if the nonce was taken before, or if there is no room to remember it. */
  take(nonce: string, timeMs: number, nowMs: number): boolean;
}

export function createSeenNonces(limit = NONCES_MAX): SeenNonces {
  /** The nonce, and when it may be forgotten. */
  const seen = new Map<string, number>();
  function forget(nowMs: number): void {
    for (const [nonce, endMs] of seen) if (endMs < nowMs) seen.delete(nonce);
  }
  return {
    take(nonce, timeMs, nowMs) {
      if (seen.size >= limit) forget(nowMs);
      const endMs = seen.get(nonce);
      if ((endMs !== undefined && endMs >= nowMs) || seen.size >= limit) return false;
      seen.delete(nonce);
      seen.set(nonce, timeMs + SIGNATURE_LIFE_MS);
      return true;
    },
  };
}
