/** One address of an answer: it comes, gets another owner, more flows or a longer life, or needs nothing. */
import type { AddressAdmission } from "../dns/ports.ts";
import type { DomainName } from "../policy/domain-name.ts";
import { type FlowSet, isEvery, isNone, NO_FLOWS, unionOf } from "../policy/flow-set.ts";
import { NO_SLOT } from "../tables/slot-index.ts";
import * as life from "./life.ts";
import type { LearnedStore } from "./store.ts";
import type { NewRow } from "./table.ts";

/** Addresses that go if one more would be too many for a wildcard. */
const EVICTED_TOGETHER = 32;

export interface LearnOptions {
  /** The base of the wildcard that allows the name, if a wildcard does. */
  readonly wildcardOf: (qname: DomainName) => DomainName | undefined;
  /** Flows that the name opens to its addresses now; undefined: all. Default: all. */
  readonly flowsToLearn?: (qname: DomainName) => FlowSet | undefined;
}

const everyFlow = (): undefined => undefined;

export function createLearn(
  { table, scoped, clock, admitOf, holds, rescope, prolong, makeRoom, evict }: LearnedStore,
  { wildcardOf, flowsToLearn = everyFlow }: LearnOptions,
): AddressAdmission["learn"] {
  function learnNew(qname: DomainName, row: NewRow, flows: FlowSet | undefined): void {
    const nowMs = row.nowMs;
    for (let slot = table.crowdedOfName(qname); slot !== NO_SLOT; slot = table.crowdedOfName(qname))
      evict(slot, "name", nowMs);
    if (table.crowdedOfWildcard(row.wildcard) !== NO_SLOT) evictOfWildcard(row.wildcard, nowMs);
    admitOf(row, qname, flows);
  }

  /** Several at once: the kernel takes elements that leave one after the other for less. */
  function evictOfWildcard(wildcard: string | undefined, nowMs: number): void {
    const next = (): number => table.crowdedOfWildcard(wildcard, EVICTED_TOGETHER);
    for (let slot = next(); slot !== NO_SLOT; slot = next()) evict(slot, "wildcard", nowMs);
  }

  /** To what other names allow, too; what is in doubt begins anew. */
  function widen(slot: number, flows: FlowSet | undefined, untilMs: number): void {
    const held = scoped.flowsOf(table.keyView(slot)) ?? NO_FLOWS;
    const both = flows && unionOf(held, flows);
    rescope(slot, both && isEvery(both) ? undefined : both, untilMs);
  }

  return function learn(qname, octets, at, length, ttlSeconds) {
    const flows = flowsToLearn(qname);
    if (flows !== undefined && isNone(flows)) return;
    const nowMs = clock();
    let known = table.find(octets, at, length);
    const isLasting = known !== NO_SLOT && life.outlasts(table.untilMs(known), ttlSeconds, nowMs);
    if (isLasting) {
      table.use(known, nowMs);
      if (table.isOwner(known, qname) && holds(known, flows)) return;
    }
    if (known !== NO_SLOT && !table.hasRoom()) {
      makeRoom(nowMs);
      known = table.find(octets, at, length);
    }
    const lifeMs = life.ofAnswer(ttlSeconds);
    if (known === NO_SLOT) {
      const wildcard = wildcardOf(qname);
      learnNew(qname, { octets, at, length, wildcard, untilMs: nowMs + lifeMs, nowMs }, flows);
      return;
    }
    const isHeld = holds(known, flows);
    table.addOwner(known, qname);
    table.use(known, nowMs);
    const untilMs = Math.max(nowMs + lifeMs, table.wantedUntilMs(known));
    if (!isHeld) widen(known, flows, untilMs);
    else if (!isLasting) prolong(known, untilMs, nowMs);
  };
}
