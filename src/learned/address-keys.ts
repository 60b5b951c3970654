import { hashOctets, NO_SLOT } from "../tables/slot-index.ts";
import type { Prefix } from "../policy/prefix.ts";
import { beginsWith } from "../policy/target-bits.ts";
import { createSlotChains } from "../tables/slot-chains.ts";

/**
 * Addresses of 4 or 16 octets, each in a slot: 4 octets and 5 to find it again, or 16 and 5. Memory is
 * touched as slots are used.
 */
export interface AddressKeys {
  /** Of the address in `octets[at, at + length)`; NO_SLOT when it is not there. */
  find(octets: Uint8Array, at: number, length: number): number;
  /** Adds one that is not there. Throws RangeError when no slot is free. */
  add(octets: Uint8Array, at: number, length: number): number;
  remove(slot: number): void;
  /** In octets; 0: the slot is free. */
  length(slot: number): number;
  copy(slot: number): Uint8Array;
  /** The address's octets, until the next call. */
  view(slot: number): Uint8Array;
  isIn(slot: number, prefix: Prefix): boolean;
  size(): number;
  /** No slot above this one was ever used. */
  highest(): number;
}

const [NARROW, WIDE] = [4, 16];

/** `seed`: 32 bits that nobody outside knows. */
export function createAddressKeys(capacity: number, seed: number): AddressKeys {
  const narrow = new Uint8Array((capacity + 1) * NARROW);
  const wide = new Uint8Array((capacity + 1) * WIDE);
  const lengths = new Uint8Array(capacity + 1);
  const views = { narrow: new Uint8Array(NARROW), wide: new Uint8Array(WIDE) };
  const length = (slot: number): number => lengths[slot] ?? 0;
  const arrayOf = (octets: number): Uint8Array => (octets === NARROW ? narrow : wide);
  const chains = createSlotChains(capacity, (slot) =>
    hashOctets(arrayOf(length(slot)), slot * length(slot), length(slot), seed),
  );

  function is(slot: number, octets: Uint8Array, at: number, count: number): boolean {
    if (lengths[slot] !== count) return false;
    const keys = arrayOf(count);
    for (let i = 0; i < count; i++) if (keys[slot * count + i] !== octets[at + i]) return false;
    return true;
  }
  function copyTo(slot: number, target: Uint8Array): Uint8Array {
    const count = length(slot);
    const keys = arrayOf(count);
    for (let i = 0; i < count; i++) target[i] = keys[slot * count + i] ?? 0;
    return target;
  }

  return {
    find(octets, at, count) {
      let slot = chains.first(hashOctets(octets, at, count, seed));
      while (slot !== NO_SLOT && !is(slot, octets, at, count)) slot = chains.next(slot);
      return slot;
    },
    add(octets, at, count) {
      const slot = chains.add(hashOctets(octets, at, count, seed));
      if (slot === NO_SLOT) throw new RangeError("no slot is free");
      const keys = arrayOf(count);
      for (let i = 0; i < count; i++) keys[slot * count + i] = octets[at + i] ?? 0;
      lengths[slot] = count;
      return slot;
    },
    remove(slot) {
      chains.remove(slot);
      lengths[slot] = 0;
    },
    length,
    copy: (slot) => copyTo(slot, new Uint8Array(length(slot))),
    view: (slot) => copyTo(slot, length(slot) === NARROW ? views.narrow : views.wide),
    isIn: (slot, prefix) =>
      prefix.octets.length === lengths[slot] &&
      beginsWith(arrayOf(length(slot)), slot * length(slot), prefix.octets, prefix.length),
    size: chains.size,
    highest: chains.highest,
  };
}
