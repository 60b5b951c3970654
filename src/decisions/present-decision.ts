import { renderAddress, renderIpv6 } from "../policy/address.ts";
import type { DecidingLayer, Outcome, Reason, TakenOut } from "./decision-event.ts";
import { REASON_WORDS } from "./decision-event.ts";
import type { KeptDecision } from "./decision-ring.ts";
import { protocolWord, rcodeWord, typeWord } from "./words.ts";

/** A decision as callers of the API get it. What is not known, or not of its kind, is missing. */
export interface ShownDecision {
  readonly id: string;
  readonly time: string;
  readonly kind: KeptDecision["kind"];
  readonly decision: Outcome;
  readonly name?: string;
  readonly type?: string;
  readonly protocol?: string;
  readonly port?: number;
  readonly addresses: readonly string[];
  readonly moreAddresses?: number;
  readonly layer: KeptDecision["layer"];
  readonly rule?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly takenOut?: ShownTakenOut;
  readonly rcode?: string;
  readonly upstream?: string;
  readonly durationMs?: number;
}

/** Of an answer that keeps other addresses. */
export interface ShownTakenOut {
  readonly count: number;
  readonly first: string;
  readonly layer: DecidingLayer;
  readonly rule?: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface PresentOptions {
  /** What tells this run of the sidecar from every other: letters and digits. */
  readonly run: string;
  /** As `192.0.2.1:53`, in the order of their indexes. */
  readonly upstreams: readonly string[];
}

/** Of a decision's number in this run. */
export function renderId(run: string, number: number): string {
  return `${run}-${number}`;
}

/** The number, or `"another run"` where another process gave the id; undefined for what is no id. */
export function parseId(run: string, text: string): number | "another run" | undefined {
  const [, ofRun, digits = ""] = /^([0-9a-z]{1,16})-(\d{1,15})$/.exec(text) ?? [];
  if (ofRun === undefined) return undefined;
  return ofRun === run ? Number(digits) : "another run";
}

/** Keys stand in the order that people read them in. */
export function presentDecision(kept: KeptDecision, { run, upstreams }: PresentOptions): ShownDecision {
  const { kind, name, rule, reason, addresses, addressCount, upstream, takenOut } = kept;
  const more = addressCount - addresses.length;
  const shown = kind === "lookup" && name === "" ? "." : name;
  return {
    id: renderId(run, kept.number),
    time: new Date(kept.timeMs).toISOString(),
    kind,
    decision: kept.decision,
    ...(shown === undefined ? {} : { name: shown }),
    ...(kind === "lookup" ? { type: typeWord(kept.qtype) } : { protocol: protocolWord(kept.protocol) }),
    ...(kept.port === undefined ? {} : { port: kept.port }),
    addresses: addresses.map(presentAddress),
    ...(more > 0 ? { moreAddresses: more } : {}),
    layer: kept.layer,
    ...(rule === undefined ? {} : { rule }),
    ...presentReason(reason),
    ...(takenOut === undefined ? {} : { takenOut: presentTakenOut(takenOut) }),
    ...(kind === "lookup" ? { rcode: rcodeWord(kept.rcode) } : {}),
    ...(upstream === undefined ? {} : { upstream: upstreams[upstream] ?? String(upstream) }),
    ...(kept.durationMs === 0 ? {} : { durationMs: Math.round(kept.durationMs * 1000) / 1000 }),
  };
}

function presentTakenOut({ count, first, layer, rule, reason }: TakenOut): ShownTakenOut {
  return {
    count,
    first: presentAddress(first),
    layer,
    ...(rule === undefined ? {} : { rule }),
    ...presentReason(reason),
  };
}

function presentReason(reason: Reason | undefined): { readonly reason?: Reason; readonly message?: string } {
  return reason === undefined ? {} : { reason, message: REASON_WORDS[reason] };
}

function presentAddress(octets: Uint8Array): string {
  return octets.length === 4 ? renderAddress(octets) : renderIpv6(octets);
}
