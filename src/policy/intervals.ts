import { renderAddress, renderIpv6 } from "./address.ts";
import type { Decision } from "./decision.ts";
import type { Action } from "./rule.ts";

/**
 * The whole address space of one family cut into neighbouring intervals, each with its decision. Interval `i` begins at the `words`
 * 32-bit words from `starts[i * words]`, most significant first, and ends where the next begins; the first begins at
 * zero and the last ends with the space. There is always at least one.
 */
export interface IntervalMap {
  readonly words: 1 | 4;
  readonly starts: Uint32Array;
  readonly decisions: readonly Decision[];
}

/** Addresses from `first` to `last`, both included, as text (RFC 5952) of their own family. */
export interface AddressInterval {
  readonly first: string;
  readonly last: string;
  readonly action: Action;
}

/** The decision for the address whose octets stand at the offset: `words * 4` of them. Binary search, no allocation. */
export function findInterval(map: IntervalMap, octets: Uint8Array, offset: number): Decision | undefined {
  let low = 0;
  let high = map.decisions.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (startsAfter(map, middle, octets, offset)) high = middle - 1;
    else low = middle;
  }
  return map.decisions[low];
}

/**
 * What rules decide about addresses, in ascending order, neighbours with the same action joined. Addresses that only the default
 * decides are left out: these a name rule may still open.
 */
export function listIntervals(map: IntervalMap): readonly AddressInterval[] {
  const listed: AddressInterval[] = [];
  const count = map.decisions.length;
  let first = 0;
  while (first < count) {
    const action = ruledAction(map.decisions[first]);
    let next = first + 1;
    while (next < count && ruledAction(map.decisions[next]) === action) next += 1;
    if (action !== undefined) {
      listed.push({ first: renderStart(map, first), last: renderBefore(map, next), action });
    }
    first = next;
  }
  return listed;
}

/** The 32-bit word in network order at the offset, which must lie within the octets. */
export function wordAt(octets: Uint8Array, offset: number): number {
  const high = ((octets[offset] ?? 0) << 8) | (octets[offset + 1] ?? 0);
  const low = ((octets[offset + 2] ?? 0) << 8) | (octets[offset + 3] ?? 0);
  return high * 0x10000 + low;
}

function startsAfter(map: IntervalMap, interval: number, octets: Uint8Array, offset: number): boolean {
  const at = interval * map.words;
  for (let word = 0; word < map.words; word += 1) {
    const start = map.starts[at + word] ?? 0;
    const wanted = wordAt(octets, offset + 4 * word);
    if (start !== wanted) return start > wanted;
  }
  return false;
}

function ruledAction(decision: Decision | undefined): Action | undefined {
  return decision?.rule === undefined ? undefined : decision.action;
}

function renderStart(map: IntervalMap, interval: number): string {
  return renderWords(map.starts.slice(interval * map.words, (interval + 1) * map.words));
}

/** The address just before the interval; before the one past the end lies the last address of the space. */
function renderBefore(map: IntervalMap, interval: number): string {
  const words = Uint32Array.from(
    { length: map.words },
    (_, word) => map.starts[interval * map.words + word] ?? 0,
  );
  for (let word = map.words - 1; word >= 0; word -= 1) {
    const value = words[word] ?? 0;
    words[word] = value - 1; // wraps at zero, and borrows
    if (value !== 0) break;
  }
  return renderWords(words);
}

function renderWords(words: Uint32Array): string {
  const octets = new Uint8Array(words.length * 4);
  const view = new DataView(octets.buffer);
  for (const [index, word] of words.entries()) view.setUint32(4 * index, word);
  return octets.length === 4 ? renderAddress(octets) : renderIpv6(octets);
}
