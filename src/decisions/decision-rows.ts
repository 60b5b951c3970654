/**
 * Decisions in columns: a slot of fixed size each, so that what is kept leaves nothing to collect. Slots
 * count from 1.
 */
import { createAddressRows } from "./address-rows.ts";
import type { DecidingLayer, DecisionEvent, Kind, Outcome, Reason, TakenOut } from "./decision-event.ts";
import type { Prefix } from "../policy/prefix.ts";
import { type DecisionFilter, liesIn } from "./decision-filter.ts";
import { createNameRows } from "./name-rows.ts";

/** One that is kept. Its name is empty for the root. */
export interface DecisionRow extends Omit<DecisionEvent, "qname" | "forEachAddress" | "shown"> {
  /** The first eight. */
  readonly addresses: readonly Uint8Array[];
  /** How many there were. */
  readonly addressCount: number;
}

export interface DecisionRows {
  write(slot: number, event: DecisionEvent): void;
  read(slot: number): DecisionRow;
  matches(slot: number, filter: DecisionFilter): boolean;
}

/** For what is absent. */
const NONE = -1;

export function createDecisionRows(slots: number): DecisionRows {
  const names = createNameRows(slots);
  const addresses = createAddressRows(slots);
  const facts = createFacts(slots);
  const words = createWords(slots);

  return {
    write(slot, event) {
      words.write(slot, event);
      facts.write(slot, event);
      names.write(slot, event.name);
      addresses.write(slot, event);
    },
    read: (slot) => ({
      ...words.read(slot),
      ...facts.read(slot),
      name: names.read(slot),
      addresses: addresses.read(slot),
      addressCount: addresses.count(slot),
    }),
    matches(slot, { kind, decisions, name, prefix }) {
      if (!words.match(slot, kind, decisions)) return false;
      if (name !== undefined && !names.matches(slot, name)) return false;
      return prefix === undefined || addresses.hasOneIn(slot, prefix) || words.hasTakenOut(slot, prefix);
    },
  };
}

/** Texts that live as long as the program or the policy: to keep them is to keep where they stand. */
function createWords(slots: number) {
  const kinds = column<Kind>(slots);
  const decisions = column<Outcome>(slots);
  const layers = column<DecidingLayer>(slots);
  const reasons = column<Reason>(slots);
  const rules = column<string>(slots);
  const takenOut = column<TakenOut>(slots);
  return {
    write(slot: number, event: DecisionEvent): void {
      kinds[slot] = event.kind;
      decisions[slot] = event.decision;
      layers[slot] = event.layer;
      reasons[slot] = event.reason;
      rules[slot] = event.rule;
      takenOut[slot] = event.takenOut;
    },
    read: (slot: number) => ({
      kind: kinds[slot] ?? "lookup",
      decision: decisions[slot] ?? "failed",
      layer: layers[slot] ?? "built-in",
      reason: reasons[slot],
      rule: rules[slot],
      takenOut: takenOut[slot],
    }),
    hasTakenOut(slot: number, prefix: Prefix): boolean {
      const first = takenOut[slot]?.first;
      return first !== undefined && liesIn(prefix, first, 0, first.length);
    },
    match(slot: number, kind: DecisionFilter["kind"], wanted: DecisionFilter["decisions"]): boolean {
      const decision = decisions[slot];
      if (kind !== undefined && kinds[slot] !== kind) return false;
      return wanted === undefined || (decision !== undefined && wanted.includes(decision));
    },
  };
}

function column<T>(slots: number): (T | undefined)[] {
  // Of all ways to make it this is the quick one: it is on the way of each start.
  return Array<T | undefined>(slots + 1).fill(undefined);
}

/** What is a number. */
function createFacts(slots: number) {
  const timesMs = new Float64Array(slots + 1);
  const durationsMs = new Float32Array(slots + 1);
  const qtypes = new Uint16Array(slots + 1);
  const rcodes = new Uint16Array(slots + 1);
  const upstreams = new Int8Array(slots + 1);
  const protocols = new Uint8Array(slots + 1);
  const ports = new Int32Array(slots + 1);
  return {
    write(slot: number, event: DecisionEvent): void {
      timesMs[slot] = event.timeMs;
      durationsMs[slot] = event.durationMs;
      qtypes[slot] = event.qtype;
      rcodes[slot] = event.rcode;
      upstreams[slot] = event.upstream ?? NONE;
      protocols[slot] = event.protocol;
      ports[slot] = event.port ?? NONE;
    },
    read: (slot: number) => ({
      timeMs: timesMs[slot] ?? 0,
      durationMs: durationsMs[slot] ?? 0,
      qtype: qtypes[slot] ?? 0,
      rcode: rcodes[slot] ?? 0,
      upstream: presence(upstreams[slot]),
      protocol: protocols[slot] ?? 0,
      port: presence(ports[slot]),
    }),
  };
}

function presence(value = NONE): number | undefined {
  return value === NONE ? undefined : value;
}
