/**
 * What `egress top` counts: decisions by target, and how many came each second. Bounded: of many targets the
 * one not seen for longest goes.
 */
import type { Decision } from "../../client/client.ts";

export interface BoardRow {
  readonly target: string;
  readonly allowed: number;
  /** Denied, withheld, or audited. */
  readonly denied: number;
  readonly failed: number;
  /** The latest decision. */
  readonly last: Decision;
}

export interface Board {
  add(decision: Decision, nowMs: number): void;
  /** Those with most denials first, then those with most of all. */
  rows(): readonly BoardRow[];
  /** Decisions of each of the last seconds, the oldest first. */
  rates(nowMs: number): { readonly allowed: readonly number[]; readonly denied: readonly number[] };
  total(): number;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const TARGETS_KEPT = 1024;
const SECONDS_SHOWN = 60;

export function createBoard(): Board {
  const rows = new Map<string, Writable<BoardRow>>();
  const seconds = new Map<number, { allowed: number; denied: number }>();
  let total = 0;

  function rowOf(decision: Decision): Writable<BoardRow> {
    const target = targetOf(decision);
    const found = rows.get(target) ?? { target, allowed: 0, denied: 0, failed: 0, last: decision };
    rows.delete(target);
    rows.set(target, found);
    const [oldest] = rows.keys();
    if (rows.size > TARGETS_KEPT && oldest !== undefined) rows.delete(oldest);
    return found;
  }
  return {
    add(decision, nowMs) {
      const row = rowOf(decision);
      const column = columnOf(decision);
      row[column] += 1;
      row.last = decision;
      total += 1;
      const second = Math.floor(nowMs / 1000);
      const counts = seconds.get(second) ?? { allowed: 0, denied: 0 };
      seconds.set(second, counts);
      counts[column === "denied" ? "denied" : "allowed"] += 1;
      for (const old of seconds.keys()) if (old <= second - SECONDS_SHOWN) seconds.delete(old);
    },
    rows: () => [...rows.values()].toSorted(byDenials),
    rates(nowMs) {
      const now = Math.floor(nowMs / 1000);
      const all = Array.from({ length: SECONDS_SHOWN }, (_, index) =>
        seconds.get(now - SECONDS_SHOWN + 1 + index),
      );
      return {
        allowed: all.map((counts) => counts?.allowed ?? 0),
        denied: all.map((counts) => counts?.denied ?? 0),
      };
    },
    total: () => total,
  };
}

function targetOf({ name, addresses, port }: Decision): string {
  if (name !== undefined) return name;
  const [address = ""] = addresses;
  return port === undefined ? address : `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

function columnOf({ decision }: Decision): "allowed" | "denied" | "failed" {
  if (decision === "denied" || decision === "withheld" || decision === "audited") return "denied";
  return decision === "failed" ? "failed" : "allowed";
}

function byDenials(one: BoardRow, other: BoardRow): number {
  const weight = ({ allowed, failed }: BoardRow): number => allowed + failed;
  return other.denied - one.denied || weight(other) - weight(one) || (one.target < other.target ? -1 : 1);
}
