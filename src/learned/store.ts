/**
 * The learned addresses' table and the kernel's sets, kept in step: a change here is queued for the kernel,
 * and in force with `commit`.
 */
import type { LearnedSet } from "../netfilter/learned-set.ts";
import { NO_SLOT } from "../tables/slot-index.ts";
import { type Admission, createAdmission } from "./admission.ts";
import { createEviction, type Eviction } from "./eviction.ts";
import { MAX_OWNERS } from "./owners.ts";
import { createScopedRows, type ScopedRows } from "./scoped-rows.ts";
import { type Bound, createLearnedTable, type LearnedTable } from "./table.ts";
import { createTouchedKeys } from "./touched-keys.ts";

const MAX_OF_NAME = 1024;
const MAX_OF_WILDCARD = 8192;

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
  /** Called with each address that comes. */
  readonly unrevoke: (key: Uint8Array) => void;
}

export interface LearnedStore extends Admission, Omit<Eviction, "makeRoomForFlows"> {
  readonly table: LearnedTable;
  /** Milliseconds. */
  readonly clock: () => number;
  readonly figures: LearnedFigures;
  /** Rows of which not every flow is allowed. */
  readonly scoped: ScopedRows;
  /** Throws LearnedSetError. */
  commit(): void;
}

export function createLearnedStore(options: LearnedStoreOptions): LearnedStore {
  const { set, nowMs: clock, unrevoke } = options;
  const table = createLearnedTable({
    capacity: options.capacity,
    perName: MAX_OF_NAME,
    perWildcard: MAX_OF_WILDCARD,
    maxOwners: MAX_OWNERS,
    seed: options.drawSeed(),
    startMs: clock(),
  });
  const figures: LearnedFigures = { renewals: 0, evictions: { name: 0, wildcard: 0, all: 0 } };
  const scoped = createScopedRows(set);
  const touched = createTouchedKeys();
  const eviction = createEviction({ set, table, scoped, touched, evictions: figures.evictions });
  const { makeRoom, evict, expire } = eviction;
  const admission = createAdmission({ set, table, scoped, touched, eviction, clock, unrevoke });
  const { admit, admitOf, holds, rescope, prolong } = admission;

  /**
   * What the kernel was asked for may or may not be there: it is written anew when it is wanted again, and
   * with each load of all.
   */
  function commit(): void {
    const keys = touched.take();
    try {
      set.commit();
      scoped.settle(true);
    } catch (error) {
      scoped.settle(false);
      keys.forEach(doubt);
      throw error;
    } finally {
      keys.clear();
    }
  }

  function doubt(octets: Uint8Array): void {
    const slot = table.find(octets, 0, octets.length);
    if (slot !== NO_SLOT) {
      table.doubt(slot);
      return;
    }
    const nowMs = clock();
    makeRoom(nowMs);
    table.add({ octets, at: 0, length: octets.length, wildcard: undefined, untilMs: 0, nowMs });
  }

  return {
    table,
    clock,
    figures,
    scoped,
    admit,
    admitOf,
    holds,
    rescope,
    prolong,
    makeRoom,
    evict,
    expire,
    commit,
  };
}
