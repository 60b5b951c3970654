/** The addresses of a decision, in a row of fixed size for each slot: the first eight, in 16 octets each. */
import type { Prefix } from "../policy/prefix.ts";
import type { DecisionEvent } from "./decision-event.ts";
import { liesIn } from "./decision-filter.ts";

export interface AddressRows {
  /** Keeps the event's addresses in the place of those that the slot has. */
  write(slot: number, event: Pick<DecisionEvent, "forEachAddress">): void;
  read(slot: number): readonly Uint8Array[];
  /** How many there were, kept or not. */
  count(slot: number): number;
  /** Whether one of those that are kept lies in the prefix. */
  hasOneIn(slot: number, prefix: Prefix): boolean;
}

const MAX_ADDRESSES = 8;
const ADDRESS_OCTETS = 16;

export function createAddressRows(slots: number): AddressRows {
  const addresses = new Uint8Array((slots + 1) * MAX_ADDRESSES * ADDRESS_OCTETS);
  const counts = new Uint16Array(slots + 1);
  const lengths = new Uint8Array(slots + 1);
  /** Where the next address of the row at hand goes, and where the row ends. */
  let next = 0;
  let end = 0;
  let count = 0;
  let octetsOfOne = 0;

  function keep(octets: Uint8Array, at: number, length: 4 | 16): void {
    count += 1;
    octetsOfOne = length;
    if (next === end) return;
    for (let i = 0; i < length; i++) addresses[next + i] = octets[at + i] ?? 0;
    next += ADDRESS_OCTETS;
  }
  const kept = (slot: number): number => Math.min(counts[slot] ?? 0, MAX_ADDRESSES);
  const placeOf = (slot: number, index: number): number => (slot * MAX_ADDRESSES + index) * ADDRESS_OCTETS;

  return {
    write(slot, event) {
      next = placeOf(slot, 0);
      end = placeOf(slot + 1, 0);
      count = 0;
      event.forEachAddress(keep);
      counts[slot] = count;
      lengths[slot] = octetsOfOne;
    },
    read: (slot) =>
      Array.from({ length: kept(slot) }, (_, index) => {
        const at = placeOf(slot, index);
        return addresses.slice(at, at + (lengths[slot] ?? 0));
      }),
    count: (slot) => counts[slot] ?? 0,
    hasOneIn(slot, prefix) {
      const length = lengths[slot] ?? 0;
      for (let index = 0; index < kept(slot); index++) {
        if (liesIn(prefix, addresses, placeOf(slot, index), length)) return true;
      }
      return false;
    },
  };
}
