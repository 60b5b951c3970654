/** The learned addresses' table and the kernel's sets, kept in step: what is changed here is queued for the kernel, and in force with `commit`. */
import { randomInt } from "node:crypto";
import { NO_SLOT } from "../dns/slot-index.ts";
import type { LearnedSet } from "../netfilter/io/learned-set.ts";
import * as life from "./learned-life.ts";
import { MAX_OWNERS, renderOwners } from "./learned-owners.ts";
import { type Bound, createLearnedTable, type LearnedTable, type NewRow } from "./learned-table.ts";

export const MAX_ADDRESSES = 65_536;
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
  readonly nowMs: () => number;
  /** Hears of each address that comes. */
  readonly pardon: (key: Uint8Array) => void;
}

export interface LearnedStore {
  readonly table: LearnedTable;
  readonly figures: LearnedFigures;
  admit(row: NewRow): void;
  prolong(slot: number, untilMs: number, now: number): void;
  makeRoom(now: number): void;
  evict(slot: number, bound: Bound, now: number): void;
  /** Has the kernel let go of one that is taken out of the table later. */
  letGo(slot: number): void;
  /** Throws LearnedSetError. */
  commit(): void;
}

export function createLearnedStore({ set, nowMs, pardon }: LearnedStoreOptions): LearnedStore {
  const table = createLearnedTable({
    capacity: MAX_ADDRESSES,
    perName: MAX_OF_NAME,
    perWildcard: MAX_OF_WILDCARD,
    maxOwners: MAX_OWNERS,
    seed: randomInt(2 ** 32),
  });
  const figures: LearnedFigures = { renewals: 0, evictions: { name: 0, wildcard: 0, all: 0 } };
  /** Addresses that the next commit speaks of. */
  let touched: Uint8Array[] = [];

  /** Adds one that is not in the table, and tells the kernel. */
  function admit(row: NewRow): void {
    makeRoom(row.nowMs);
    table.add(row);
    set.add(row.octets, Math.ceil(row.untilMs - row.nowMs), renderOwners(row.owners));
    pardon(row.octets);
    touched.push(row.octets);
  }

  /** Gives one that is in the table a longer life. */
  function prolong(slot: number, untilMs: number, now: number): void {
    const key = table.key(slot);
    table.setUntilMs(slot, untilMs);
    set.refresh(key, Math.ceil(untilMs - now), renderOwners(table.owners(slot)));
    touched.push(key);
  }

  /** What has run out goes two for each that comes, so that it does not pile up; where there is no room, what was used longest ago. */
  function makeRoom(now: number): void {
    for (let looked = 0; table.oldest !== NO_SLOT; looked++) {
      const slot = table.oldest;
      const isGone = life.hasLapsed(table.untilMs(slot), now);
      if (table.hasRoom && (looked >= 2 || !isGone)) break;
      const isPassedOver = !isGone && looked < MAX_PASSED_OVER && life.isFlowGoingOn(table.flowMs(slot), now);
      if (isPassedOver) table.use(slot, now);
      else evict(slot, "all", now);
    }
  }

  function evict(slot: number, bound: Bound, now: number): void {
    if (!life.hasRunOut(table.untilMs(slot), now)) {
      letGo(slot);
      figures.evictions[bound] += 1;
    }
    table.remove(slot);
  }

  function letGo(slot: number): void {
    const key = table.key(slot);
    set.remove(key);
    touched.push(key);
  }

  /** What the kernel was asked for may or may not be there: it is written anew when it is wanted again. */
  function commit(): void {
    const keys = touched;
    touched = [];
    try {
      set.commit();
    } catch (error) {
      keys.forEach(doubt);
      throw error;
    }
  }

  function doubt(octets: Uint8Array): void {
    const slot = table.find(octets, 0, octets.length);
    if (slot !== NO_SLOT) {
      table.setUntilMs(slot, 0);
      return;
    }
    const now = nowMs();
    makeRoom(now);
    table.add({ octets, owners: [], wildcard: undefined, untilMs: 0, nowMs: now });
  }

  return { table, figures, admit, prolong, makeRoom, evict, letGo, commit };
}
