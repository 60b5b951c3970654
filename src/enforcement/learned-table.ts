/**
 * The learned addresses themselves: rows of typed arrays, about 100 octets each, because V8 would promote a `Map` of tens of thousands of
 * short-lived objects and collect it rarely. Memory is touched as rows are used, and used again.
 */
import { hashOctets, createSlotIndex, NO_SLOT } from "../dns/slot-index.ts";
import { BLOCK_OCTETS, createTextBlocks } from "./text-blocks.ts";

const KEY_ROOM = 16;
const MAX_NAME_OCTETS = 255;

export interface LearnedTableOptions {
  /** Rows that there may be. */
  readonly capacity: number;
  /** Names of one address. */
  readonly maxOwners: number;
  /** 32 bits that nobody outside knows. */
  readonly seed: number;
}

/** Slots stand for addresses until they are removed. Owners are a text: names parted by blanks, the latest first. */
export interface LearnedTable {
  /** The address in `octets[at, at + length)`; NO_SLOT when it is not there. */
  find(octets: Uint8Array, at: number, length: number): number;
  /** Adds one that is not there, as the newest. NO_SLOT when `hasRoom` is false. `untilMs` is when the kernel lets it go; 0: unknown. */
  add(octets: Uint8Array, at: number, length: number, owners: string, untilMs: number): number;
  remove(slot: number): void;
  /** The address added longest ago, and the one added after a slot. */
  readonly oldest: number;
  newer(slot: number): number;
  /** The first slot in use above this one, by number; NO_SLOT when there is none. Looks at an octet for each free one between. */
  above(slot: number): number;
  /** A copy of the address's octets. */
  key(slot: number): Uint8Array;
  untilMs(slot: number): number;
  setUntilMs(slot: number, untilMs: number): void;
  owners(slot: number): string;
  /** Only while `hasRoom`. */
  setOwners(slot: number, owners: string): void;
  isOwner(slot: number, name: string): boolean;
  /** Whether there is a row, and room for as many and as long names as one address may have. */
  readonly hasRoom: boolean;
  readonly size: number;
}

/** Octets of names for each row, on the average: more than four short names. */
const BLOCKS_PER_ROW = 4;

export function createLearnedTable({ capacity, maxOwners, seed }: LearnedTableOptions): LearnedTable {
  const index = createSlotIndex(capacity);
  const names = createTextBlocks(capacity * BLOCKS_PER_ROW);
  const longestOwners = Math.ceil((maxOwners * MAX_NAME_OCTETS) / BLOCK_OCTETS);
  const keys = new Uint8Array((capacity + 1) * KEY_ROOM);
  /** 0: the slot is free. */
  const lengths = new Uint8Array(capacity + 1);
  let highest = NO_SLOT;
  const untils = new Float64Array(capacity + 1);
  const ownersAt = new Uint32Array(capacity + 1);
  const ownersLengths = new Uint16Array(capacity + 1);

  function isKey(slot: number, octets: Uint8Array, at: number, length: number): boolean {
    if (lengths[slot] !== length) return false;
    for (let i = 0; i < length; i++) if (keys[slot * KEY_ROOM + i] !== octets[at + i]) return false;
    return true;
  }
  function writeOwners(slot: number, owners: string): void {
    ownersAt[slot] = names.write(owners);
    ownersLengths[slot] = owners.length;
  }

  return {
    find(octets, at, length) {
      let slot = index.first(hashOctets(octets, at, length, seed));
      while (slot !== NO_SLOT && !isKey(slot, octets, at, length)) slot = index.next(slot);
      return slot;
    },
    add(octets, at, length, owners, untilMs) {
      const slot = index.add(hashOctets(octets, at, length, seed));
      if (slot === NO_SLOT) return slot;
      highest = Math.max(highest, slot);
      for (let i = 0; i < length; i++) keys[slot * KEY_ROOM + i] = octets[at + i] ?? 0;
      lengths[slot] = length;
      untils[slot] = untilMs;
      writeOwners(slot, owners);
      return slot;
    },
    remove(slot) {
      index.remove(slot);
      names.release(ownersAt[slot] ?? 0);
      lengths[slot] = 0;
    },
    get oldest() {
      return index.oldest;
    },
    newer: index.newer,
    above(slot) {
      for (let next = slot + 1; next <= highest; next++) if (lengths[next] !== 0) return next;
      return NO_SLOT;
    },
    key: (slot) => keys.slice(slot * KEY_ROOM, slot * KEY_ROOM + (lengths[slot] ?? 0)),
    untilMs: (slot) => untils[slot] ?? 0,
    setUntilMs(slot, untilMs) {
      untils[slot] = untilMs;
    },
    owners: (slot) => names.read(ownersAt[slot] ?? 0, ownersLengths[slot] ?? 0),
    setOwners(slot, owners) {
      names.release(ownersAt[slot] ?? 0);
      writeOwners(slot, owners);
    },
    isOwner: (slot, name) => names.hasWord(ownersAt[slot] ?? 0, ownersLengths[slot] ?? 0, name),
    get hasRoom() {
      return index.size < capacity && names.free >= longestOwners;
    },
    get size() {
      return index.size;
    },
  };
}
