/**
 * A set of addresses that is asked for each answer: found by their octets where they stand, so that no
 * look-up makes a text.
 */
import { createSlotIndex, hashOctets, NO_SLOT } from "./slot-index.ts";

export interface AddressSet {
  /** Whether `octets[at, at + length)` is in it. */
  has(octets: Uint8Array, at: number, length: number): boolean;
  /** Octets of each, in the order in which they were given. */
  list(): readonly Uint8Array[];
}

/** Of 4 octets or 16 each; what is given twice is there once. */
export function createAddressSet(addresses: readonly Uint8Array[], seed: number): AddressSet {
  const index = createSlotIndex(Math.max(addresses.length, 1));
  /** By slot; the first is none's. */
  const kept: Uint8Array[] = [new Uint8Array(0)];

  function has(octets: Uint8Array, at: number, length: number): boolean {
    if (index.size() === 0) return false;
    let slot = index.first(hashOctets(octets, at, length, seed));
    while (slot !== NO_SLOT && !isSame(kept[slot], octets, at, length)) slot = index.next(slot);
    return slot !== NO_SLOT;
  }

  for (const address of addresses) {
    if (has(address, 0, address.length)) continue;
    index.add(hashOctets(address, 0, address.length, seed));
    kept.push(address);
  }
  return { has, list: () => kept.slice(1) };
}

function isSame(one: Uint8Array | undefined, octets: Uint8Array, at: number, length: number): boolean {
  if (one?.length !== length) return false;
  for (let i = 0; i < length; i++) if (one[i] !== octets[at + i]) return false;
  return true;
}
