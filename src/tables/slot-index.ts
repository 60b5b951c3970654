/**
 * Which slot of a table holds a key, and which slot was filled longest ago: chains and a list of slot numbers
 * in typed arrays, so that tables of many short-lived entries leave V8 nothing to collect. (A `Map` of as
 * many keys is promoted whole, and a walk to its oldest entry passes everything deleted before.)
 *
 * The keys themselves are the table's business: a slot that `first` or `next` gives has the key's hash, and
 * most likely the key. Hashes are signed, for V8 makes an object of each number past 31 bits and a sign.
 */

/**
 * No slot at all. Slots are counted from 1, so that arrays of zeros are empty and untouched pages cost
 * nothing.
 */
export const NO_SLOT = 0;

export interface SlotIndex {
  /** The slots under a hash, one after the other. */
  first(hash: number): number;
  next(slot: number): number;
  /** Takes a free slot as the newest; NO_SLOT when there is none. */
  add(hash: number): number;
  remove(slot: number): void;
  /** Makes the slot the newest. */
  renew(slot: number): void;
  /** The slot added longest ago, and the one added after a slot. */
  oldest(): number;
  newer(slot: number): number;
  clear(): void;
  size(): number;
}

/** Fewer buckets for a table that is hardly ever full. */
export function createSlotIndex(capacity: number, wantedBuckets = capacity): SlotIndex {
  const buckets = 2 ** Math.ceil(Math.log2(wantedBuckets));
  const heads = new Uint32Array(buckets);
  const hashes = new Int32Array(capacity + 1);
  const nexts = new Uint32Array(capacity + 1);
  const newer = new Uint32Array(capacity + 1);
  const older = new Uint32Array(capacity + 1);
  let used = 0;
  let free = NO_SLOT;
  let size = 0;
  let oldest = NO_SLOT;
  let newest = NO_SLOT;

  function take(): number {
    if (free === NO_SLOT) return used < capacity ? ++used : NO_SLOT;
    const slot = free;
    free = nexts[slot] ?? NO_SLOT;
    return slot;
  }

  function skip(from: number, hash: number): number {
    let slot = from;
    while (slot !== NO_SLOT && hashes[slot] !== hash) slot = nexts[slot] ?? NO_SLOT;
    return slot;
  }

  function unchain(slot: number): void {
    const bucket = (hashes[slot] ?? 0) & (buckets - 1);
    const next = nexts[slot] ?? NO_SLOT;
    let at = heads[bucket] ?? NO_SLOT;
    if (at === slot) {
      heads[bucket] = next;
      return;
    }
    while (nexts[at] !== slot) at = nexts[at] ?? NO_SLOT;
    nexts[at] = next;
  }

  function append(slot: number): void {
    older[slot] = newest;
    newer[slot] = NO_SLOT;
    if (newest === NO_SLOT) oldest = slot;
    else newer[newest] = slot;
    newest = slot;
  }

  function unlink(slot: number): void {
    const before = older[slot] ?? NO_SLOT;
    const after = newer[slot] ?? NO_SLOT;
    if (before === NO_SLOT) oldest = after;
    else newer[before] = after;
    if (after === NO_SLOT) newest = before;
    else older[after] = before;
  }

  return {
    first: (hash) => skip(heads[hash & (buckets - 1)] ?? NO_SLOT, hash | 0),
    next: (slot) => skip(nexts[slot] ?? NO_SLOT, hashes[slot] ?? 0),
    add(hash) {
      const slot = take();
      if (slot === NO_SLOT) return slot;
      const bucket = hash & (buckets - 1);
      hashes[slot] = hash;
      nexts[slot] = heads[bucket] ?? NO_SLOT;
      heads[bucket] = slot;
      append(slot);
      size += 1;
      return slot;
    },
    remove(slot) {
      unchain(slot);
      unlink(slot);
      nexts[slot] = free;
      free = slot;
      size -= 1;
    },
    renew(slot) {
      if (slot === newest) return;
      unlink(slot);
      append(slot);
    },
    oldest() {
      return oldest;
    },
    newer: (slot) => newer[slot] ?? NO_SLOT,
    clear() {
      heads.fill(NO_SLOT);
      used = 0;
      free = NO_SLOT;
      size = 0;
      oldest = NO_SLOT;
      newest = NO_SLOT;
    },
    size() {
      return size;
    },
  };
}

/**
 * Jenkins' one-at-a-time over octets: 32 bits, signed. With a random seed nobody can choose keys that fall
 * into one bucket.
 */
export function hashOctets(octets: Uint8Array, at: number, length: number, seed: number): number {
  let hash = seed | 0;
  for (let i = at; i < at + length; i++) hash = mix(hash, octets[i] ?? 0);
  return finish(hash);
}

/** The same over a text's characters from there on up to `end`, each below 256. */
export function hashText(text: string, seed: number, from = 0, end = text.length): number {
  let hash = seed | 0;
  for (let i = from; i < end; i++) hash = mix(hash, text.charCodeAt(i));
  return finish(hash);
}

function mix(hash: number, octet: number): number {
  const sum = (hash + octet) | 0;
  const spread = (sum + (sum << 10)) | 0;
  return spread ^ (spread >>> 6);
}

function finish(hash: number): number {
  const spread = (hash + (hash << 3)) | 0;
  const folded = spread ^ (spread >>> 11);
  return (folded + (folded << 15)) | 0;
}
