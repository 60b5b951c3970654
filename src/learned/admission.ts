/** Rows that come, and what changes of those that are there: in the table at once, for the kernel queued. */
import type { LearnedSet } from "../netfilter/learned-set.ts";
import { type FlowSet, isNone, minus } from "../policy/flow-set.ts";
import type { Eviction } from "./eviction.ts";
import { renderOwners } from "./owners.ts";
import type { ScopedRows } from "./scoped-rows.ts";
import type { LearnedTable, NewRow } from "./table.ts";
import type { TouchedKeys } from "./touched-keys.ts";

export interface Admission {
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
  /** Gives one that is in the table a longer life. */
  prolong(slot: number, untilMs: number, nowMs: number): void;
}

export interface AdmissionParts {
  readonly set: Pick<LearnedSet, "add" | "refresh" | "remove">;
  readonly table: LearnedTable;
  readonly scoped: ScopedRows;
  readonly touched: Pick<TouchedKeys, "add">;
  readonly eviction: Pick<Eviction, "makeRoom" | "makeRoomForFlows">;
  /** Milliseconds. */
  readonly clock: () => number;
  /** Called with each address that comes. */
  readonly unrevoke: (key: Uint8Array) => void;
}

export function createAdmission(parts: AdmissionParts): Admission {
  const { set, table, scoped, touched, eviction, clock, unrevoke } = parts;

  function add(row: NewRow, comment: string, flows: FlowSet | undefined): number {
    eviction.makeRoomForFlows(flows, row.length === 4 ? 4 : 16, row.nowMs);
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

  return {
    admit(row, owners, flows) {
      eviction.makeRoom(row.nowMs);
      const slot = add(row, renderOwners(owners), flows);
      for (const owner of owners.toReversed()) table.addOwner(slot, owner);
    },
    admitOf(row, owner, flows) {
      eviction.makeRoom(row.nowMs);
      table.addOwner(add(row, owner, flows), owner);
    },
    holds(slot, flows) {
      const held = scoped.flowsOf(table.keyView(slot));
      // One without an owner is in doubt: it may be there with every flow, but not because a name allows
      // them.
      if (held === undefined) return flows === undefined || table.hasOwner(slot);
      return flows !== undefined && isNone(minus(flows, held));
    },
    prolong(slot, untilMs, nowMs) {
      const key = table.keyView(slot);
      const flows = scoped.flowsOf(key);
      const [timeoutMs, comment] = [Math.ceil(untilMs - nowMs), renderOwners(table.owners(slot))];
      table.setUntilMs(slot, untilMs);
      if (flows === undefined) set.refresh(key, timeoutMs, comment);
      else scoped.put(key, flows, timeoutMs, comment);
      touched.add(key);
    },
    rescope(slot, flows, untilMs) {
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
    },
  };
}
