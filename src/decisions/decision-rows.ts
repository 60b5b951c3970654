/** Decisions in columns: a slot of fixed size each, so that what is kept leaves nothing to collect. Slots count from 1. */
import { blocksFor, createSlotTexts } from "../tables/slot-texts.ts";
import { createAddressRows } from "./address-rows.ts";
import {
  type DecidingLayer,
  type DecisionEvent,
  type Kind,
  KINDS,
  LAYERS,
  type Outcome,
  OUTCOMES,
  type Reason,
  REASONS,
} from "./decision-event.ts";
import { type DecisionFilter, outcomeBits } from "./decision-filter.ts";

/** One that is kept; see {@link DecisionEvent}. */
export interface DecisionRow {
  readonly timeMs: number;
  readonly kind: Kind;
  readonly decision: Outcome;
  /** Empty for the root; undefined where none is known. */
  readonly name: string | undefined;
  readonly qtype: number;
  readonly rcode: number;
  readonly upstream: number | undefined;
  readonly durationMs: number;
  readonly protocol: number;
  readonly port: number | undefined;
  readonly layer: DecidingLayer;
  readonly rule: string | undefined;
  readonly reason: Reason | undefined;
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

const MAX_NAME = 255;
/** For what is absent. */
const NONE = -1;

export function createDecisionRows(slots: number): DecisionRows {
  const names = createSlotTexts(slots, slots * blocksFor(MAX_NAME));
  const hasName = new Uint8Array(slots + 1);
  const addresses = createAddressRows(slots);
  const facts = createFacts(slots);
  const words = createWords(slots);

  function writeName(slot: number, name: string | undefined): void {
    if (names.length(slot) > 0) names.release(slot);
    hasName[slot] = name === undefined ? 0 : 1;
    if (name === undefined || name === "") return;
    names.write(slot, name, 0, Math.min(name.length, MAX_NAME));
  }
  function isNamed(slot: number, name: NonNullable<DecisionFilter["name"]>): boolean {
    if ("exact" in name) return names.is(slot, name.exact, 0, name.exact.length);
    return names.endsWith(slot, `.${name.base}`);
  }

  return {
    write(slot, event) {
      words.write(slot, event);
      facts.write(slot, event);
      writeName(slot, event.name);
      addresses.write(slot, event);
    },
    read: (slot) => ({
      ...words.read(slot),
      ...facts.read(slot),
      name: hasName[slot] === 1 ? names.read(slot) : undefined,
      addresses: addresses.read(slot),
      addressCount: addresses.count(slot),
    }),
    matches(slot, { kind, decisions, name, prefix }) {
      if (!words.match(slot, kind, decisions)) return false;
      if (name !== undefined && !isNamed(slot, name)) return false;
      return prefix === undefined || addresses.hasOneIn(slot, prefix);
    },
  };
}

/** What is one of few words, by its place in their list. */
function createWords(slots: number) {
  const kinds = new Uint8Array(slots + 1);
  const decisions = new Uint8Array(slots + 1);
  const layers = new Uint8Array(slots + 1);
  const reasons = new Int8Array(slots + 1);
  /** The policy's own texts. */
  const rules: (string | undefined)[] = Array.from({ length: slots + 1 });
  return {
    write(slot: number, event: DecisionEvent): void {
      kinds[slot] = KINDS.indexOf(event.kind);
      decisions[slot] = OUTCOMES.indexOf(event.decision);
      layers[slot] = LAYERS.indexOf(event.layer);
      reasons[slot] = event.reason === undefined ? NONE : REASONS.indexOf(event.reason);
      rules[slot] = event.rule;
    },
    read: (slot: number) => ({
      kind: KINDS[kinds[slot] ?? 0] ?? "lookup",
      decision: OUTCOMES[decisions[slot] ?? 0] ?? "failed",
      layer: LAYERS[layers[slot] ?? 0] ?? "built-in",
      reason: reasons[slot] === NONE ? undefined : REASONS[reasons[slot] ?? 0],
      rule: rules[slot],
    }),
    match(slot: number, kind: DecisionFilter["kind"], wanted: DecisionFilter["decisions"]): boolean {
      if (kind !== undefined && KINDS[kinds[slot] ?? 0] !== kind) return false;
      return wanted === undefined || (outcomeBits(wanted) & (1 << (decisions[slot] ?? 0))) !== 0;
    },
  };
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
