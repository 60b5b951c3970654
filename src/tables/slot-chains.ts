/**
 * Which slot of a table holds a key: chains of slot numbers that grow bucket by bucket (linear hashing), so
 * that memory is touched as slots come and no step is long. Neither keys nor hashes are kept: the owner of
 * the keys computes a slot's hash again when a chain is split.
 */
import { NO_SLOT } from "./slot-index.ts";

export interface SlotChains {
  /** The slots that may have the hash, one after the other. */
  first(hash: number): number;
  next(slot: number): number;
  /** Takes a free slot; NO_SLOT when there is none. Its key has to be written before the next call. */
  add(hash: number): number;
  /** While its key is still there. */
  remove(slot: number): void;
  size(): number;
  /** No slot above this one was ever taken. */
  highest(): number;
}

const SLOTS_PER_BUCKET = 3;

export function createSlotChains(capacity: number, hashOf: (slot: number) => number): SlotChains {
  const heads = new Uint32Array(Math.ceil(capacity / SLOTS_PER_BUCKET));
  /** Of slots in a chain, and of free ones. */
  const nexts = new Uint32Array(capacity + 1);
  let buckets = 1;
  /**
   * The largest power of two that is not above `buckets`: so many there were when this round of growing
   * began.
   */
  let round = 1;
  let free = NO_SLOT;
  let highest = NO_SLOT;
  let size = 0;

  function bucketOf(hash: number): number {
    const bucket = hash & (2 * round - 1);
    return bucket < buckets ? bucket : hash & (round - 1);
  }
  function put(slot: number, bucket: number): void {
    nexts[slot] = heads[bucket] ?? NO_SLOT;
    heads[bucket] = slot;
  }
  /** Parts the chain of one bucket in two. */
  function grow(): void {
    const parted = buckets - round;
    let slot = heads[parted] ?? NO_SLOT;
    heads[parted] = NO_SLOT;
    buckets += 1;
    while (slot !== NO_SLOT) {
      const next = nexts[slot] ?? NO_SLOT;
      put(slot, bucketOf(hashOf(slot)));
      slot = next;
    }
    if (buckets === 2 * round) round = buckets;
  }
  function take(): number {
    if (free === NO_SLOT) return highest < capacity ? ++highest : NO_SLOT;
    const slot = free;
    free = nexts[slot] ?? NO_SLOT;
    return slot;
  }

  return {
    first: (hash) => heads[bucketOf(hash)] ?? NO_SLOT,
    next: (slot) => nexts[slot] ?? NO_SLOT,
    add(hash) {
      if (size >= buckets * SLOTS_PER_BUCKET && buckets < heads.length) grow();
      const slot = take();
      if (slot === NO_SLOT) return slot;
      put(slot, bucketOf(hash));
      size += 1;
      return slot;
    },
    remove(slot) {
      const bucket = bucketOf(hashOf(slot));
      const next = nexts[slot] ?? NO_SLOT;
      let before = heads[bucket] ?? NO_SLOT;
      if (before === slot) heads[bucket] = next;
      else {
        while (nexts[before] !== slot) before = nexts[before] ?? NO_SLOT;
        nexts[before] = next;
      }
      nexts[slot] = free;
      free = slot;
      size -= 1;
    },
    size() {
      return size;
    },
    highest() {
      return highest;
    },
  };
}
