/**
 * The learned addresses themselves: rows of typed arrays, some 200 octets each, because V8 would promote a `Map` of tens of thousands of
 * short-lived objects and collect it rarely. Memory is touched as rows are used, and used again.
 *
 * A row counts for the name that gave it first, and for the wildcard that allowed that name: {@link LearnedTable.findCrowded} says which row has
 * to go before one more may come.
 */
import { hashOctets, createSlotIndex, NO_SLOT } from "../dns/slot-index.ts";
import type { Prefix } from "../policy/prefix.ts";
import { beginsWith } from "../policy/target-bits.ts";
import { createLearnedNames, type LearnedNames } from "./learned-names.ts";
import { createRowLists, type RowLists } from "./row-lists.ts";

const KEY_ROOM = 16;

export interface LearnedTableOptions {
  /** Rows that there may be: in all, for one name, and for one wildcard. */
  readonly capacity: number;
  readonly perName: number;
  readonly perWildcard: number;
  /** Names of one address. */
  readonly maxOwners: number;
  /** 32 bits that nobody outside knows. */
  readonly seed: number;
}

export type Bound = "name" | "wildcard" | "all";

export interface NewRow {
  readonly octets: Uint8Array;
  /** The latest first; the last one is whom the row counts for. */
  readonly owners: readonly string[];
  /** The base of the wildcard that it counts for, too. */
  readonly wildcard: string | undefined;
  /** When the kernel lets it go; 0: unknown. */
  readonly untilMs: number;
  readonly nowMs: number;
}

/** Slots stand for addresses until they are removed. */
export interface LearnedTable {
  readonly names: Pick<LearnedNames, "find" | "text" | "markBelow">;
  /** The address in `octets[at, at + length)`; NO_SLOT when it is not there. */
  find(octets: Uint8Array, at: number, length: number): number;
  /** Adds one that is not there, as used last. Only while `hasRoom`. */
  add(row: NewRow): number;
  remove(slot: number): void;
  /** The row used longest ago among those that are in the way of one more for this name and wildcard. */
  findCrowded(
    name: string,
    wildcard: string | undefined,
  ): { readonly slot: number; readonly bound: Bound } | undefined;
  /** The address used longest ago, and the one used after a slot. */
  readonly oldest: number;
  newer(slot: number): number;
  /** The first slot in use above this one, by number; NO_SLOT when there is none. Looks at an octet for each free one between. */
  above(slot: number): number;
  /**
   * Slots that have a marked owner, no owner, or an address in one of the prefixes; all where there are no marks. Some nanoseconds a
   * row.
   */
  collect(marks: Uint8Array | undefined, prefixes: readonly Prefix[]): readonly number[];
  /** A copy of the address's octets. */
  key(slot: number): Uint8Array;
  untilMs(slot: number): number;
  setUntilMs(slot: number, untilMs: number): void;
  /** Whether some row's time is after the first and not after the second. Some nanoseconds a row. */
  hasOneUntil(afterMs: number, lastMs: number): boolean;
  /** Says that it is used now, by a flow or by a lookup. What is used often is put in order only now and then. */
  use(slot: number, nowMs: number, byFlow?: boolean): void;
  /** When a flow was last seen to use it; 0 is never. */
  flowMs(slot: number): number;
  /** When a flow or a lookup last used it, some seconds early at most. */
  usedMs(slot: number): number;
  /** Names, the latest first. */
  owners(slot: number): readonly string[];
  /** Their ids among `names`, by place. */
  ownerId(slot: number, place: number): number;
  ownerCount(slot: number): number;
  isOwner(slot: number, name: string): boolean;
  /** Makes the name the latest owner. Past `maxOwners` the oldest but one goes. Only while `hasRoom`. */
  addOwner(slot: number, name: string): void;
  /** Whether there is a row, and room for the names that it brings. */
  readonly hasRoom: boolean;
  readonly size: number;
}

/** Order is to tell what is used from what is not, not one lookup from the next. */
const ORDER_MS = 5000;

/** A row's times are in one line of the processor's cache. */
const TIMES = 4;
const [UNTIL, USED, FLOW] = [0, 1, 2];

export function createLearnedTable(options: LearnedTableOptions): LearnedTable {
  const { capacity, maxOwners, seed } = options;
  const index = createSlotIndex(capacity);
  const names = createLearnedNames(capacity, seed);
  const byName = createRowLists(capacity, capacity);
  const byWildcard = createRowLists(capacity, capacity);
  const keys = new Uint8Array((capacity + 1) * KEY_ROOM);
  /** 0: the slot is free. */
  const lengths = new Uint8Array(capacity + 1);
  let highest = NO_SLOT;
  const times = new Float64Array((capacity + 1) * TIMES);
  const owners = new Uint32Array((capacity + 1) * maxOwners);
  const ownerCounts = new Uint8Array(capacity + 1);

  function isKey(slot: number, octets: Uint8Array, at: number, length: number): boolean {
    if (lengths[slot] !== length) return false;
    for (let i = 0; i < length; i++) if (keys[slot * KEY_ROOM + i] !== octets[at + i]) return false;
    return true;
  }
  const ownerIds = (slot: number): Uint32Array =>
    owners.subarray(slot * maxOwners, slot * maxOwners + (ownerCounts[slot] ?? 0));
  function findOwner(slot: number, name: string): number {
    const start = slot * maxOwners;
    const count = ownerCounts[slot] ?? 0;
    for (let place = 0; place < count; place++) if (names.is(owners[start + place] ?? 0, name)) return place;
    return -1;
  }
  function writeOwners(slot: number, all: readonly string[]): void {
    const kept = all.length <= maxOwners ? all : [...all.slice(0, maxOwners - 1), ...all.slice(-1)];
    for (let place = 0; place < kept.length; place++)
      owners[slot * maxOwners + place] = names.hold(kept[place] ?? "");
    ownerCounts[slot] = kept.length;
  }
  function oldestPast(lists: RowLists, name: string | undefined, limit: number): number {
    const id = name === undefined ? NO_SLOT : names.find(name);
    return id !== NO_SLOT && lists.size(id) >= limit ? lists.oldest(id) : NO_SLOT;
  }

  function hasMarkedOwner(slot: number, marks: Uint8Array): boolean {
    const start = slot * maxOwners;
    const end = start + (ownerCounts[slot] ?? 0);
    for (let at = start; at < end; at++) if (marks[owners[at] ?? 0] === 1) return true;
    return start === end;
  }
  function isIn(slot: number, prefixes: readonly Prefix[]): boolean {
    for (const { octets, length } of prefixes) {
      if (octets.length === lengths[slot] && beginsWith(keys, slot * KEY_ROOM, octets, length)) return true;
    }
    return false;
  }

  function use(slot: number, nowMs: number, byFlow = false): void {
    if (byFlow) times[slot * TIMES + FLOW] = nowMs;
    if (nowMs - (times[slot * TIMES + USED] ?? 0) < ORDER_MS) return;
    times[slot * TIMES + USED] = nowMs;
    index.renew(slot);
    byName.touch(slot);
    byWildcard.touch(slot);
  }

  return {
    names,
    find(octets, at, length) {
      let slot = index.first(hashOctets(octets, at, length, seed));
      while (slot !== NO_SLOT && !isKey(slot, octets, at, length)) slot = index.next(slot);
      return slot;
    },
    add({ octets, owners: given, wildcard, untilMs, nowMs }) {
      const { length } = octets;
      const slot = index.add(hashOctets(octets, 0, length, seed));
      if (slot === NO_SLOT) throw new RangeError("no row is free");
      highest = Math.max(highest, slot);
      keys.set(octets, slot * KEY_ROOM);
      lengths[slot] = length;
      times[slot * TIMES + UNTIL] = untilMs;
      times[slot * TIMES + USED] = nowMs;
      times[slot * TIMES + FLOW] = 0;
      writeOwners(slot, given);
      if (given.length > 0) byName.add(slot, owners[slot * maxOwners + (ownerCounts[slot] ?? 0) - 1] ?? 0);
      if (wildcard !== undefined) byWildcard.add(slot, names.hold(wildcard));
      return slot;
    },
    remove(slot) {
      index.remove(slot);
      const end = slot * maxOwners + (ownerCounts[slot] ?? 0);
      for (let at = slot * maxOwners; at < end; at++) names.release(owners[at] ?? 0);
      const wildcard = byWildcard.listOf(slot);
      byName.remove(slot);
      byWildcard.remove(slot);
      if (wildcard !== 0) names.release(wildcard);
      lengths[slot] = 0;
      ownerCounts[slot] = 0;
    },
    findCrowded(name, wildcard) {
      const ofName = oldestPast(byName, name, options.perName);
      if (ofName !== NO_SLOT) return { slot: ofName, bound: "name" };
      const ofWildcard = oldestPast(byWildcard, wildcard, options.perWildcard);
      return ofWildcard === NO_SLOT ? undefined : { slot: ofWildcard, bound: "wildcard" };
    },
    get oldest() {
      return index.oldest;
    },
    newer: index.newer,
    above(slot) {
      for (let next = slot + 1; next <= highest; next++) if (lengths[next] !== 0) return next;
      return NO_SLOT;
    },
    collect(marks, prefixes) {
      const found: number[] = [];
      for (let slot = 1; slot <= highest; slot++) {
        if (lengths[slot] === 0) continue;
        const isIt =
          marks === undefined || hasMarkedOwner(slot, marks) || (prefixes.length > 0 && isIn(slot, prefixes));
        if (isIt) found.push(slot);
      }
      return found;
    },
    key: (slot) => keys.slice(slot * KEY_ROOM, slot * KEY_ROOM + (lengths[slot] ?? 0)),
    untilMs: (slot) => times[slot * TIMES + UNTIL] ?? 0,
    setUntilMs(slot, untilMs) {
      times[slot * TIMES + UNTIL] = untilMs;
    },
    hasOneUntil(afterMs, lastMs) {
      for (let slot = 1; slot <= highest; slot++) {
        const untilMs = lengths[slot] === 0 ? 0 : (times[slot * TIMES + UNTIL] ?? 0);
        if (untilMs > afterMs && untilMs <= lastMs) return true;
      }
      return false;
    },
    use,
    flowMs: (slot) => times[slot * TIMES + FLOW] ?? 0,
    usedMs: (slot) => Math.max(times[slot * TIMES + USED] ?? 0, times[slot * TIMES + FLOW] ?? 0),
    owners: (slot) => Array.from(ownerIds(slot), names.text),
    ownerId: (slot, place) => owners[slot * maxOwners + place] ?? 0,
    ownerCount: (slot) => ownerCounts[slot] ?? 0,
    isOwner: (slot, name) => findOwner(slot, name) >= 0,
    addOwner(slot, name) {
      const place = findOwner(slot, name);
      if (place === 0) return;
      const start = slot * maxOwners;
      const count = ownerCounts[slot] ?? 0;
      const id = place < 0 ? names.hold(name) : (owners[start + place] ?? 0);
      // The last one is whom the row counts for: it stays where it is, and as long as the row does.
      const isPayer = place === count - 1;
      if (isPayer && count > 0) return;
      let from = place;
      if (place < 0 && count === maxOwners) {
        from = count - 2;
        names.release(owners[start + from] ?? 0);
      } else if (place < 0) {
        from = count;
        ownerCounts[slot] = count + 1;
      }
      owners.copyWithin(start + 1, start, start + from);
      owners[start] = id;
      if (count === 0) byName.add(slot, id);
    },
    get hasRoom() {
      return index.size < capacity && names.hasRoom(maxOwners + 1);
    },
    get size() {
      return index.size;
    },
  };
}
