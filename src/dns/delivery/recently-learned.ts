/**
 * Which cached answers have had their addresses learned within the last second. Their addresses are in force
 * as long as the admission's epoch stays, so such an answer goes out without them being looked at again.
 *
 * An answer is known by the serial number that the cache gives it, so one that takes another's place begins
 * anew. Each serial number has one place; two that share it forget each other, which costs learning once
 * more.
 */

/** Short beside what an address has left after its answer, and beside the time in which its use is noted. */
const LEARNED_MS = 1000;
/** No epoch. */
const NEVER = -1;
const PLACES = 8192;

export interface RecentlyLearned {
  /** Whether the answer's addresses were learned within the last second and under this epoch. */
  find(serial: number, epoch: number, nowMs: number): boolean;
  /**
   * Says that they were. `epoch`: from before they were learned. Answers that are not the cache's (serial 0)
   * are not noted.
   */
  note(serial: number, epoch: number, nowMs: number): void;
  /** Takes the note back: they are not in force. */
  forget(serial: number): void;
}

export function createRecentlyLearned(): RecentlyLearned {
  const serials = new Uint32Array(PLACES);
  const epochs = new Int32Array(PLACES).fill(NEVER);
  const learnedAtMs = new Float64Array(PLACES);
  return {
    find(serial, epoch, nowMs) {
      const place = serial & (PLACES - 1);
      if (serials[place] !== serial || epochs[place] !== epoch) return false;
      return nowMs - (learnedAtMs[place] ?? 0) < LEARNED_MS;
    },
    note(serial, epoch, nowMs) {
      if (serial === 0) return;
      const place = serial & (PLACES - 1);
      serials[place] = serial;
      epochs[place] = epoch;
      learnedAtMs[place] = nowMs;
    },
    forget(serial) {
      const place = serial & (PLACES - 1);
      if (serials[place] === serial) epochs[place] = NEVER;
    },
  };
}
