/**
 * Address ranges of one family, packed: ascending, disjoint, never neighbours. Range `i` takes `2 * words` 32-bit words, its first
 * address and then its last, most significant word first. Made from a policy's intervals, compared, and put into words for nft(8).
 */
import { renderAddress, renderIpv6 } from "../policy/address.ts";
import type { IntervalMap } from "../policy/intervals.ts";
import type { Action } from "../policy/rule.ts";

export interface PackedRanges {
  readonly words: 1 | 4;
  readonly bounds: Uint32Array;
}

export const NO_V4_RANGES: PackedRanges = { words: 1, bounds: new Uint32Array(0) };
export const NO_V6_RANGES: PackedRanges = { words: 4, bounds: new Uint32Array(0) };

/** The addresses about which rules say `action`; those that only the default decides are left out. Linear, no text. */
export function packRanges(map: IntervalMap, action: Action): PackedRanges {
  const { words, starts, decisions } = map;
  const wanted = (index: number): boolean => {
    const decision = decisions[index];
    return decision?.rule !== undefined && decision.action === action;
  };
  const bounds = new Uint32Array(decisions.length * 2 * words);
  let at = 0;
  for (let index = 0; index < decisions.length; index++) {
    if (!wanted(index)) continue;
    let next = index + 1;
    while (next < decisions.length && wanted(next)) next += 1;
    bounds.set(starts.subarray(index * words, (index + 1) * words), at);
    writeBefore(starts, next * words, bounds, at + words, words);
    at += 2 * words;
    index = next;
  }
  return { words, bounds: bounds.slice(0, at) };
}

/** Whether two packings hold the same ranges. */
export function sameRanges(one: PackedRanges, other: PackedRanges): boolean {
  const { bounds } = other;
  return one.bounds.length === bounds.length && one.bounds.every((word, index) => word === bounds[index]);
}

/** What has to go and what has to come to make `from` into `to`. Linear. */
export function diffRanges(
  from: PackedRanges,
  to: PackedRanges,
): { readonly gone: PackedRanges; readonly come: PackedRanges } {
  const { words } = from;
  const size = 2 * words;
  const gone: number[] = [];
  const come: number[] = [];
  let left = 0;
  let right = 0;
  while (left < from.bounds.length || right < to.bounds.length) {
    const order = compareRange(from.bounds, left, to.bounds, right, size);
    if (order < 0) copyRange(from.bounds, left, size, gone);
    if (order > 0) copyRange(to.bounds, right, size, come);
    if (order <= 0) left += size;
    if (order >= 0) right += size;
  }
  return {
    gone: { words, bounds: Uint32Array.from(gone) },
    come: { words, bounds: Uint32Array.from(come) },
  };
}

export function countRanges({ words, bounds }: PackedRanges): number {
  return bounds.length / (2 * words);
}

/** The elements in nft(8)'s words: `192.0.2.7`, `192.0.2.0-192.0.2.255`. */
export function renderRanges({ words, bounds }: PackedRanges): readonly string[] {
  const octets = new Uint8Array(words * 4);
  const view = new DataView(octets.buffer);
  const texts: string[] = [];
  const render = (at: number): string => {
    for (let word = 0; word < words; word++) view.setUint32(word * 4, bounds[at + word] ?? 0);
    return words === 1 ? renderAddress(octets) : renderIpv6(octets);
  };
  for (let at = 0; at < bounds.length; at += 2 * words) {
    const first = render(at);
    const last = render(at + words);
    texts.push(first === last ? first : `${first}-${last}`);
  }
  return texts;
}

/** The octets of the address `words` words long at `at`, in network order. */
export function rangeOctets({ words, bounds }: PackedRanges, at: number): Uint8Array {
  const octets = new Uint8Array(words * 4);
  const view = new DataView(octets.buffer);
  for (let word = 0; word < words; word++) view.setUint32(word * 4, bounds[at + word] ?? 0);
  return octets;
}

/** The address just behind the one at `at`; undefined behind the last one of the space. */
export function octetsAfter({ words, bounds }: PackedRanges, at: number): Uint8Array | undefined {
  const next = bounds.slice(at, at + words);
  for (let word = words - 1; word >= 0; word--) {
    const value = (next[word] ?? 0) + 1;
    next[word] = value; // wraps to zero, and carries
    if (value <= 0xffff_ffff) return rangeOctets({ words, bounds: next }, 0);
  }
  return undefined;
}

/** Writes the address before the one at `from`; before the end of the space lies its last address. */
function writeBefore(starts: Uint32Array, from: number, out: Uint32Array, at: number, words: number): void {
  let borrow = true;
  for (let word = words - 1; word >= 0; word--) {
    const value = starts[from + word] ?? 0;
    out[at + word] = borrow ? value - 1 : value; // wraps at zero
    borrow &&= value === 0;
  }
}

/** Ascending; a range that is past the end of its list comes last. */
function compareRange(
  one: Uint32Array,
  at: number,
  other: Uint32Array,
  otherAt: number,
  size: number,
): number {
  if (at >= one.length) return 1;
  if (otherAt >= other.length) return -1;
  for (let word = 0; word < size; word++) {
    const difference = (one[at + word] ?? 0) - (other[otherAt + word] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function copyRange(bounds: Uint32Array, at: number, size: number, out: number[]): void {
  for (let word = 0; word < size; word++) out.push(bounds[at + word] ?? 0);
}
