/** The learned addresses' table and the kernel's sets, kept in step: what is changed here is queued for the kernel, and in force with `commit`. */
import { NO_SLOT } from "../tables/slot-index.ts";
import type { LearnedSet } from "../netfilter/learned-set.ts";

import { createKeyList } from "../tables/key-list.ts";
import * as life from "./life.ts";
import { MAX_OWNERS, renderOwners } from "./owners.ts";
import { type Bound, createLearnedTable, type LearnedTable, type NewRow } from "./table.ts";

const MAX_OF_NAME = 1024;
const MAX_OF_WILDCARD = 8192;
/** Addresses of flows that are passed over for one that none uses. */
const MAX_PASSED_OVER = 64;

/** Counts since the start. */
export interface LearnedFigures {
  /** Addresses whose life a flow has made longer. */
  renewals: number;
  /** Addresses in force that had to go because of a bound. */
  readonly evictions: Record<Bound, number>;
}

export interface LearnedStoreOptions {
  readonly set: LearnedSet;
  readonly capacity: number;
  readonly nowMs: () => number;
  /** 32 bits at random. */
  readonly drawSeed: () => number;
  /** Hears of each address that comes. */
  readonly unrevoke: (key: Uint8Array) => void;
}

export interface LearnedStore {
  readonly table: LearnedTable;
  /** Milliseconds. */
  readonly clock: () => number;
  readonly figures: LearnedFigures;
  /** Adds one that is not in the table, and tells the kernel. `owners`: the latest first. */
  admit(row: NewRow, owners: readonly string[]): void;
  /** The same of one that a single name gives. */
  admitOf(row: NewRow, owner: string): void;
  prolong(slot: number, untilMs: number, nowMs: number): void;
  makeRoom(nowMs: number): void;
  evict(slot: number, bound: Bound, nowMs: number): void;
  /** Has the kernel let go of one that is taken out of the table later. */
  expire(slot: number): void;
  /** Throws LearnedSetError. */
  commit(): void;
}

export function createLearnedStore({
  set,
  capacity,
  nowMs: clock,
  drawSeed,
  unrevoke,
}: LearnedStoreOptions): LearnedStore {
  const table = createLearnedTable({
    capacity,
    perName: MAX_OF_NAME,
    perWildcard: MAX_OF_WILDCARD,
    maxOwners: MAX_OWNERS,
    seed: drawSeed(),
    startMs: clock(),
  });
  const figures: LearnedFigures = { renewals: 0, evictions: { name: 0, wildcard: 0, all: 0 } };
  /** Addresses that the next commit speaks of, and those of the last one. */
  let touched = createKeyList();
  let former = createKeyList();

  function add(row: NewRow, comment: string): number {
    const slot = table.add(row);
    const key = table.keyView(slot);
    set.add(key, Math.ceil(row.untilMs - row.nowMs), comment);
    unrevoke(key);
    touched.add(key);
    return slot;
  }
  function admit(row: NewRow, owners: readonly string[]): void {
    makeRoom(row.nowMs);
    const slot = add(row, renderOwners(owners));
    for (const owner of owners.toReversed()) table.addOwner(slot, owner);
  }
  function admitOf(row: NewRow, owner: string): void {
    makeRoom(row.nowMs);
    table.addOwner(add(row, owner), owner);
  }

  /** Gives one that is in the table a longer life. */
  function prolong(slot: number, untilMs: number, nowMs: number): void {
    const key = table.keyView(slot);
    table.setUntilMs(slot, untilMs);
    set.refresh(key, Math.ceil(untilMs - nowMs), renderOwners(table.owners(slot)));
    touched.add(key);
  }

  /** What has run out goes two for each that comes, so that it does not pile up; where there is no room, what was used longest ago. */
  function makeRoom(nowMs: number): void {
    for (let looked = 0; table.oldest() !== NO_SLOT; looked++) {
      const slot = table.oldest();
      const isGone = life.hasLapsed(table.untilMs(slot), nowMs);
      if (table.hasRoom() && (looked >= 2 || !isGone)) break;
      const isPassedOver =
        !isGone && looked < MAX_PASSED_OVER && life.isFlowGoingOn(table.flowMs(slot), nowMs);
      if (isPassedOver) table.use(slot, nowMs);
      else evict(slot, "all", nowMs);
    }
  }

  function evict(slot: number, bound: Bound, nowMs: number): void {
    if (!life.hasRunOut(table.untilMs(slot), nowMs)) {
      expire(slot);
      figures.evictions[bound] += 1;
    }
    table.remove(slot);
  }

  function expire(slot: number): void {
    const key = table.keyView(slot);
    set.remove(key);
    touched.add(key);
  }

  /** What the kernel was asked for may or may not be there: it is written anew when it is wanted again. */
  function commit(): void {
    const keys = touched;
    touched = former;
    former = keys;
    try {
      set.commit();
    } catch (error) {
      keys.forEach(doubt);
      throw error;
    } finally {
      keys.clear();
    }
  }

  function doubt(octets: Uint8Array): void {
    const slot = table.find(octets, 0, octets.length);
    if (slot !== NO_SLOT) {
      table.setUntilMs(slot, 0);
      return;
    }
    const nowMs = clock();
    makeRoom(nowMs);
    table.add({ octets, at: 0, length: octets.length, wildcard: undefined, untilMs: 0, nowMs });
  }

  return { table, clock, figures, admit, admitOf, prolong, makeRoom, evict, expire, commit };
}
