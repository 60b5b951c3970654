/**
 * The learned addresses themselves, in typed arrays, because V8 would promote a `Map` of tens of thousands of
 * short-lived objects and collect it rarely. Memory is touched as rows are used, and used again. An IPv4
 * address of one owner whose name has no other address takes 64 octets, all counted: its row 33
 * (`address-keys.ts`, `use-order.ts`, `row-owners.ts` and 4 here), its name 28 (`learned-names.ts`), and 3 of
 * buckets. An IPv6 address takes 16 more, a further address of a name 8 to 20, a further owner 8 and its
 * name.
 *
 * A row counts for the name that gave it first, and for the wildcard that allowed that name: {@link
 * LearnedTable.crowdedOfName} and {@link LearnedTable.crowdedOfWildcard} say which row has to go before one
 * more may come.
 */
import { NO_SLOT } from "../tables/slot-index.ts";
import type { Prefix } from "../policy/prefix.ts";
import { createAddressKeys } from "./address-keys.ts";
import { createLearnedNames, type LearnedNames } from "./names.ts";
import { createLearnedTimes } from "./times.ts";
import { createRowOwners } from "./row-owners.ts";
import { createUseOrder } from "./use-order.ts";
import { createWildcardGroups } from "./wildcard-groups.ts";

export interface LearnedTableOptions {
  /** Rows that there may be: in all, for one name, and for one wildcard. */
  readonly capacity: number;
  readonly perName: number;
  readonly perWildcard: number;
  /** Names of one address. */
  readonly maxOwners: number;
  /** 32 bits that nobody outside knows. */
  readonly seed: number;
  /** Times are not before it. */
  readonly startMs: number;
}

export type Bound = "name" | "wildcard" | "all";

export interface NewRow {
  /** The address is `octets[at, at + length)`. */
  readonly octets: Uint8Array;
  readonly at: number;
  readonly length: number;
  /** The base of the wildcard that it counts for. */
  readonly wildcard: string | undefined;
  /** When the kernel lets it go; 0: unknown. */
  readonly untilMs: number;
  readonly nowMs: number;
}

/** Slots stand for addresses until they are removed. Times are kept to a tenth of a second. */
export interface LearnedTable {
  readonly names: Pick<LearnedNames, "capacity" | "highest" | "find" | "text" | "markBelow">;
  /** The address in `octets[at, at + length)`; NO_SLOT when it is not there. */
  find(octets: Uint8Array, at: number, length: number): number;
  /** Adds one that is not there, as used last and with no owner. Only while `hasRoom`. */
  add(row: NewRow): number;
  remove(slot: number): void;
  /** The name's row used longest ago, if one more is too many; otherwise NO_SLOT. */
  crowdedOfName(name: string): number;
  /** The same of a wildcard, by its base, where `more` would be too many. */
  crowdedOfWildcard(wildcard: string | undefined, more?: number): number;
  /** The address used longest ago. */
  oldest(): number;
  /**
   * The first slot in use above this one, by number; NO_SLOT when there is none. Looks at an octet for each
   * free one between.
   */
  above(slot: number): number;
  /** No slot above this one was ever in use. */
  highest(): number;
  isUsed(slot: number): boolean;
  /**
   * Whether the row has an owner whose mark is odd, no owner, or an address in one of the prefixes. Some
   * nanoseconds.
   */
  isConcerned(slot: number, marks: Uint8Array, prefixes: readonly Prefix[]): boolean;
  /** From now on slots that come or get an owner are noted; what was noted before is forgotten. */
  watch(): void;
  /** The slots noted since, and an end of that; undefined if they were too many. */
  takeNoted(): readonly number[] | undefined;
  /** A copy of the address's octets. */
  key(slot: number): Uint8Array;
  /** The same octets, until the next call. */
  keyView(slot: number): Uint8Array;
  /** When the kernel lets it go; 0: unknown. */
  untilMs(slot: number): number;
  /** From now on that is known. */
  setUntilMs(slot: number, untilMs: number): void;
  /** From now on it is unknown whether the kernel holds it. */
  doubt(slot: number): void;
  /** Until when the kernel should hold it, also while it is unknown whether it does; 0: nobody can say. */
  wantedUntilMs(slot: number): number;
  /**
   * Whether some row's time is after the first and not after the second, or as good as. Some nanoseconds a
   * row.
   */
  hasOneUntil(afterMs: number, lastMs: number): boolean;
  /**
   * Says that it is used now, by a flow or by a lookup. What is used often is put in order only now and then.
   */
  use(slot: number, nowMs: number, byFlow?: boolean): void;
  /** When a flow was last seen to use it; 0 is never. */
  flowMs(slot: number): number;
  /** When a flow or a lookup last used it, some seconds early at most. */
  usedMs(slot: number): number;
  /** Names, the latest first; the last one is whom the row counts for. */
  owners(slot: number): readonly string[];
  hasOwner(slot: number): boolean;
  /** Whether the names that own it, by their ids, hold one that passes. */
  someOwner(slot: number, passes: (id: number) => boolean): boolean;
  isOwner(slot: number, name: string): boolean;
  /** Makes the name the latest owner. Past `maxOwners` the oldest but one goes. Only while `hasRoom`. */
  addOwner(slot: number, name: string): void;
  /** Whether there is a row, and room for the names that it brings. */
  hasRoom(): boolean;
  size(): number;
  /** Another number, of 30 bits, whenever a row has gone or its time has become shorter. */
  epoch(): number;
}

/** Order is to tell what is used from what is not, not one lookup from the next. */
const ORDER_MS = 5000;

const MAX_NOTED = 65_536;

/** In a row's time, beside the 31 bits that say until when the kernel should hold it. */
const IN_DOUBT = 2 ** 31;

/** A row's name, and what is behind its first label, mostly shared; the rest is for further owners. */
const NAMES_PER_ROW = 2;
/** Of 12 octets: names of 80 octets, on the average. */
const BLOCKS_PER_ROW = 8;

export function createLearnedTable(options: LearnedTableOptions): LearnedTable {
  const { capacity, maxOwners, seed } = options;
  const keys = createAddressKeys(capacity, seed);
  const names = createLearnedNames({
    capacity: capacity * NAMES_PER_ROW,
    blocks: capacity * BLOCKS_PER_ROW,
    seed,
  });
  const owners = createRowOwners({ names, rows: capacity, maxOwners });
  const wildcards = createWildcardGroups(names, capacity + 1);
  const order = createUseOrder(capacity, capacity + 1);
  const times = createLearnedTimes(options.startMs);
  const untils = new Uint32Array(capacity + 1);
  /** When a flow was last seen. */
  const flows = new Uint32Array(capacity + 1);

  let epoch = 0;
  function lose(): void {
    epoch = (epoch + 1) & 0x3f_ff_ff_ff;
  }

  /** Undefined: nobody watches. One more than there may be: they are too many. */
  let noted: number[] | undefined;
  function note(slot: number): void {
    if (noted !== undefined && noted.length <= MAX_NOTED) noted.push(slot);
  }

  function isInOne(slot: number, prefixes: readonly Prefix[]): boolean {
    for (const prefix of prefixes) if (keys.isIn(slot, prefix)) return true;
    return false;
  }

  return {
    names,
    find: keys.find,
    add({ octets, at, length, wildcard, untilMs, nowMs }) {
      const slot = keys.add(octets, at, length);
      untils[slot] = times.toTick(untilMs);
      order.add(slot, wildcards.hold(wildcard), times.toTick(nowMs));
      note(slot);
      return slot;
    },
    remove(slot) {
      owners.removeAll(slot);
      const wildcard = order.groupOf(slot);
      order.remove(slot);
      if (order.sizeOf(wildcard) === 0) wildcards.release(wildcard);
      if (flows[slot] !== 0) flows[slot] = 0;
      keys.remove(slot);
      lose();
    },
    crowdedOfName: (name) => (owners.sizeOf(name) < options.perName ? NO_SLOT : owners.oldestOf(name)),
    crowdedOfWildcard(wildcard, more = 1) {
      const group = wildcard === undefined ? 0 : wildcards.find(wildcard);
      return order.sizeOf(group) + more <= options.perWildcard ? NO_SLOT : order.oldestOf(group);
    },
    oldest: order.oldest,
    above(slot) {
      for (let next = slot + 1; next <= keys.highest(); next++) if (keys.length(next) !== 0) return next;
      return NO_SLOT;
    },
    highest: keys.highest,
    isUsed: (slot) => keys.length(slot) !== 0,
    isConcerned: (slot, marks, prefixes) =>
      !owners.has(slot) || owners.isMarked(slot, marks) || isInOne(slot, prefixes),
    watch() {
      noted = [];
    },
    takeNoted() {
      const found = noted;
      noted = undefined;
      return found !== undefined && found.length <= MAX_NOTED ? found : undefined;
    },
    key: keys.copy,
    keyView: keys.view,
    untilMs(slot) {
      const until = untils[slot] ?? 0;
      return until < IN_DOUBT ? times.toMs(until) : 0;
    },
    setUntilMs(slot, untilMs) {
      const [until, before] = [times.toTick(untilMs), untils[slot] ?? 0];
      if (until < before && before < IN_DOUBT) lose();
      untils[slot] = until;
    },
    doubt(slot) {
      untils[slot] = IN_DOUBT + ((untils[slot] ?? 0) % IN_DOUBT);
      lose();
    },
    wantedUntilMs: (slot) => times.toMs((untils[slot] ?? 0) % IN_DOUBT),
    hasOneUntil(afterMs, lastMs) {
      const [after, last] = [Math.max(times.toTick(afterMs), 1), times.toTick(lastMs)];
      for (let slot = 1; slot <= keys.highest(); slot++) {
        const until = untils[slot] ?? 0;
        if (until >= after && until <= last && keys.length(slot) !== 0) return true;
      }
      return false;
    },
    use(slot, nowMs, byFlow = false) {
      const tick = times.toTick(nowMs);
      if (byFlow) flows[slot] = tick;
      if (nowMs - times.toMs(order.lastUse(slot)) < ORDER_MS) return;
      order.use(slot, tick);
      owners.use(slot);
    },
    flowMs: (slot) => times.toMs(flows[slot] ?? 0),
    usedMs: (slot) => times.toMs(Math.max(order.lastUse(slot), flows[slot] ?? 0)),
    owners: owners.list,
    hasOwner: owners.has,
    someOwner: owners.some,
    isOwner: owners.is,
    addOwner(slot, name) {
      owners.add(slot, name);
      note(slot);
    },
    hasRoom() {
      return keys.size() < capacity && owners.hasRoom();
    },
    size: keys.size,
    epoch: () => epoch,
  };
}
