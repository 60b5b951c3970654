/** Who goes for one that comes, and what the kernel is told of it. */
import type { LearnedSet } from "../netfilter/learned-set.ts";
import type { FlowSet } from "../policy/flow-set.ts";
import { NO_SLOT } from "../tables/slot-index.ts";
import * as life from "./life.ts";
import type { ScopedRows } from "./scoped-rows.ts";
import type { Bound, LearnedTable } from "./table.ts";
import type { TouchedKeys } from "./touched-keys.ts";

/** Addresses of flows that are passed over for one that none uses. */
const MAX_PASSED_OVER = 64;

export interface Eviction {
  /**
   * For each row that comes, two expired ones go, so they do not pile up. If there is no room, the one used
   * longest ago goes.
   */
  makeRoom(nowMs: number): void;
  /** The same for one that lets these flows pass; of such rows the one written longest ago goes first. */
  makeRoomForFlows(flows: FlowSet | undefined, octets: 4 | 16, nowMs: number): void;
  evict(slot: number, bound: Bound, nowMs: number): void;
  /** Has the kernel let go of one that is taken out of the table later. */
  expire(slot: number): void;
}

export interface EvictionParts {
  readonly set: Pick<LearnedSet, "remove">;
  readonly table: LearnedTable;
  readonly scoped: ScopedRows;
  readonly touched: Pick<TouchedKeys, "add">;
  /** Of addresses in force, by what they have gone for. */
  readonly evictions: Record<Bound, number>;
}

export function createEviction({ set, table, scoped, touched, evictions }: EvictionParts): Eviction {
  function evict(slot: number, bound: Bound, nowMs: number): void {
    if (!life.hasRunOut(table.untilMs(slot), nowMs)) {
      expire(slot);
      evictions[bound] += 1;
    } else if (scoped.flowsOf(table.keyView(slot)) !== undefined) scoped.drop(table.keyView(slot));
    table.remove(slot);
  }

  function expire(slot: number): void {
    const key = table.keyView(slot);
    if (scoped.flowsOf(key) !== undefined) scoped.drop(key);
    set.remove(key);
    touched.add(key);
  }

  return {
    evict,
    expire,
    makeRoom(nowMs) {
      for (let looked = 0; table.oldest() !== NO_SLOT; looked++) {
        const slot = table.oldest();
        const isGone = life.hasLapsed(table.untilMs(slot), nowMs);
        if (table.hasRoom() && (looked >= 2 || !isGone)) break;
        const isPassedOver =
          !isGone && looked < MAX_PASSED_OVER && life.isFlowGoingOn(table.flowMs(slot), nowMs);
        if (isPassedOver) table.use(slot, nowMs);
        else evict(slot, "all", nowMs);
      }
    },
    makeRoomForFlows(flows, octets, nowMs) {
      if (flows === undefined || scoped.hasRoom(flows, octets)) return;
      for (const key of scoped.keys()) {
        const slot = table.find(key, 0, key.length);
        if (slot === NO_SLOT) scoped.drop(key);
        else evict(slot, "all", nowMs);
        if (scoped.hasRoom(flows, octets)) return;
      }
    },
  };
}
