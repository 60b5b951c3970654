/**
 * Which names have been counted in which window, exactly but for names whose 32-bit hashes are the same under
 * a seed that nobody knows. What has no room is simply not remembered: it counts again when it comes again,
 * so a full table makes bounds closer, never wider.
 */
import { createSlotIndex, hashText, NO_SLOT } from "../../tables/slot-index.ts";

/**
 * Entries that leave, at most, for one that comes: more than come, so the table empties, and no lookup pays
 * for thousands.
 */
const LEAVE_AT_ONCE = 2;

export interface NamesSeen {
  /** Whether the name was noted in that window. */
  has(name: string, window: number): boolean;
  note(name: string, window: number, nowMs: number): void;
  clear(): void;
  size(): number;
}

/** Of entries older than `lifeMs` none is asked for any more. */
export function createNamesSeen(capacity: number, lifeMs: number, seed: number): NamesSeen {
  const index = createSlotIndex(capacity);
  const windows = new Uint32Array(capacity + 1);
  const notedMs = new Float64Array(capacity + 1);

  function dropOld(nowMs: number): void {
    for (let left = LEAVE_AT_ONCE; left > 0; left--) {
      const oldest = index.oldest();
      if (oldest === NO_SLOT || nowMs - (notedMs[oldest] ?? 0) < lifeMs) return;
      index.remove(oldest);
    }
  }

  return {
    has(name, window) {
      let slot = index.first(hashText(name, seed));
      while (slot !== NO_SLOT && windows[slot] !== window) slot = index.next(slot);
      return slot !== NO_SLOT;
    },
    note(name, window, nowMs) {
      dropOld(nowMs);
      const slot = index.add(hashText(name, seed));
      if (slot === NO_SLOT) return;
      windows[slot] = window;
      notedMs[slot] = nowMs;
    },
    clear: index.clear,
    size: index.size,
  };
}
