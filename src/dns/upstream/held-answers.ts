/**
 * "No" answers that wait for an upstream which stands before the one that gave them. A lookup holds one at
 * most; its octets are copies, for the datagram's room is soon overwritten. Memory is bounded: past {@link
 * MAX_HELD_OCTETS} in all, records are left out and the rcode alone is held.
 */
import { write16 } from "../wire/query.ts";
import { HEADER_OCTETS } from "../wire/constants.ts";
import type { Arrival } from "./answer-worth.ts";
import type { Lookup } from "./lookups.ts";

const MAX_HELD_OCTETS = 1 << 20;

export interface HeldAnswers {
  /** Holds the answer in the place of one that the lookup holds already. */
  hold(lookup: Lookup, arrival: Arrival, isLastResort: boolean): void;
  /** The lookup holds none any more. */
  release(lookup: Lookup): void;
}

export function createHeldAnswers(): HeldAnswers {
  let held = 0;
  function release(lookup: Lookup): void {
    if (lookup.held === undefined) return;
    held -= lookup.held.octets.length;
    lookup.held = undefined;
  }
  return {
    hold(lookup, { octets, start, end, upstream, overTcp }, isLastResort) {
      release(lookup);
      const isWhole = held + end - start <= MAX_HELD_OCTETS;
      const stop = isWhole ? end : start + HEADER_OCTETS + lookup.questionOctets;
      const copy = Buffer.from(octets.subarray(start, stop));
      if (!isWhole) for (const count of [6, 8, 10]) write16(copy, count, 0);
      held += copy.length;
      lookup.held = { octets: copy, upstream, overTcp, isLastResort };
    },
    release,
  };
}
