/**
 * The learned addresses' table and the kernel's sets, kept in step: a change here is queued for the kernel,
 * and in force with `commit`.
 */
import { NO_SLOT } from "../tables/slot-index.ts";
import type { LearnedSet } from "../netfilter/learned-set.ts";

import { createKeyList } from "../tables/key-list.ts";
import { createScopedRows, type ScopedRows } from "./scoped-rows.ts";
import { type FlowSet, isNone, minus } from "../policy/flow-set.ts";
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
  /** Called with each address that comes. */
  readonly unrevoke: (key: Uint8Array) => void;
}

export interface LearnedStore {
  readonly table: LearnedTable;
  /** Milliseconds. */
  readonly clock: () => number;
  readonly figures: LearnedFigures;
  /** Rows of which not every flow is allowed. */
  readonly scoped: ScopedRows;
  /**
   * Adds one that is not in the table, and tells the kernel. `owners`: the latest first. `flows`: undefined
   * is every flow.
   */
  admit(row: NewRow, owners: readonly string[], flows?: FlowSet): void;
  /** The same of one that a single name gives. */
  admitOf(row: NewRow, owner: string, flows?: FlowSet): void;
  /** Whether the kernel lets these flows, undefined being all, to the row pass already. */
  holds(slot: number, flows: FlowSet | undefined): boolean;
  /** Has the kernel let these flows pass and no others, up to this time. */
  rescope(slot: number, flows: FlowSet | undefined, untilMs: number): void;
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
  const scoped = createScopedRows(set);
  /** Addresses that the next commit speaks of, and those of the last one. */
  let touched = createKeyList();
  let former = createKeyList();

  function add(row: NewRow, comment: string, flows: FlowSet | undefined): number {
    makeRoomForFlows(flows, row.length === 4 ? 4 : 16, row.nowMs);
    const slot = table.add(row);
    const key = table.keyView(slot);
    const timeoutMs = Math.ceil(row.untilMs - row.nowMs);
    if (flows !== undefined) scoped.put(key, flows, timeoutMs, comment);
    else {
      if (scoped.flowsOf(key) !== undefined) scoped.drop(key);
      set.add(key, timeoutMs, comment);
    }
    unrevoke(key);
    touched.add(key);
    return slot;
  }
  /** What was written longest ago goes first. */
  function makeRoomForFlows(flows: FlowSet | undefined, octets: 4 | 16, nowMs: number): void {
    if (flows === undefined || scoped.hasRoom(flows, octets)) return;
    for (const key of scoped.keys()) {
      const slot = table.find(key, 0, key.length);
      if (slot === NO_SLOT) scoped.drop(key);
      else evict(slot, "all", nowMs);
      if (scoped.hasRoom(flows, octets)) return;
    }
  }
  function admit(row: NewRow, owners: readonly string[], flows?: FlowSet): void {
    makeRoom(row.nowMs);
    const slot = add(row, renderOwners(owners), flows);
    for (const owner of owners.toReversed()) table.addOwner(slot, owner);
  }
  function admitOf(row: NewRow, owner: string, flows?: FlowSet): void {
    makeRoom(row.nowMs);
    table.addOwner(add(row, owner, flows), owner);
  }

  /** Gives one that is in the table a longer life. */
  function prolong(slot: number, untilMs: number, nowMs: number): void {
    const key = table.keyView(slot);
    const flows = scoped.flowsOf(key);
    const [timeoutMs, comment] = [Math.ceil(untilMs - nowMs), renderOwners(table.owners(slot))];
    table.setUntilMs(slot, untilMs);
    if (flows === undefined) set.refresh(key, timeoutMs, comment);
    else scoped.put(key, flows, timeoutMs, comment);
    touched.add(key);
  }
  function holds(slot: number, flows: FlowSet | undefined): boolean {
    const held = scoped.flowsOf(table.keyView(slot));
    // One without an owner is in doubt: it may be there with every flow, but not because a name allows them.
    if (held === undefined) return flows === undefined || table.hasOwner(slot);
    return flows !== undefined && isNone(minus(flows, held));
  }
  function rescope(slot: number, flows: FlowSet | undefined, untilMs: number): void {
    const key = table.key(slot);
    const [timeoutMs, comment] = [Math.ceil(untilMs - clock()), renderOwners(table.owners(slot))];
    table.setUntilMs(slot, untilMs);
    if (flows === undefined) {
      scoped.drop(key);
      set.refresh(key, timeoutMs, comment);
    } else {
      set.remove(key);
      scoped.put(key, flows, timeoutMs, comment);
    }
    touched.add(key);
  }

  /**
   * For each row that comes, two expired ones go, so they do not pile up. If there is no room, the one used
   * longest ago goes.
   */
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
    } else if (scoped.flowsOf(table.keyView(slot)) !== undefined) scoped.drop(table.keyView(slot));
    table.remove(slot);
  }

  function expire(slot: number): void {
    const key = table.keyView(slot);
    if (scoped.flowsOf(key) !== undefined) scoped.drop(key);
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
      table.setUntilMs(slot, 0);
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
