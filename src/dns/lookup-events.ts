/**
 * Tells the observer what came of each lookup. One event is filled in again and again, so telling leaves
 * nothing to collect.
 */
import type { Decision } from "../policy/decision.ts";
import type { DomainName } from "../policy/domain-name.ts";
import type { PreparedAnswer } from "./answer/prepared-answer.ts";
import type { LookupEvent, LookupObserver, LookupOutcome } from "./ports.ts";

/** What is known of a lookup before its end. */
export interface LookedUp {
  readonly qname: DomainName | undefined;
  /** The name as text, if there is no qname. */
  readonly text?: string;
  readonly qtype: number;
  readonly decision: Decision | undefined;
  readonly upstream: number | undefined;
  readonly durationMs: number;
  /** By the resolver's clock. */
  readonly nowMs: number;
}

/**
 * Tells of a lookup: what came of it, the rcode that its client gets, and the answer with the addresses, if
 * there is one.
 */
export type TellLookup = (
  lookup: LookedUp,
  outcome: LookupOutcome,
  rcode: number,
  answer?: PreparedAnswer,
) => void;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

export function createLookupEvents(observer: LookupObserver): TellLookup {
  let given: PreparedAnswer | undefined;
  const event: Writable<LookupEvent> = {
    qname: undefined,
    text: "",
    qtype: 0,
    outcome: "denied",
    decision: undefined,
    rcode: 0,
    upstream: undefined,
    durationMs: 0,
    nowMs: 0,
    withheldCount: 0,
    forEachAddress(visit) {
      if (given === undefined) return;
      for (let i = 0; i < given.addressCount; i++) {
        visit(given.octets, given.bodyStart + (given.addressAt[i] ?? 0), given.addressOctets);
      }
    },
    forFirstWithheld(visit) {
      if (given !== undefined && given.withheldCount > 0) visit(given.withheld, 0, given.addressOctets);
    },
  };

  return function tell(lookup, outcome, rcode, answer) {
    event.qname = lookup.qname;
    event.text = lookup.qname ?? lookup.text ?? "";
    event.qtype = lookup.qtype;
    event.outcome = outcome;
    event.decision = lookup.decision;
    event.rcode = rcode;
    event.upstream = lookup.upstream;
    event.durationMs = lookup.durationMs;
    event.nowMs = lookup.nowMs;
    event.withheldCount = answer === undefined ? 0 : answer.withheldCount;
    given = answer;
    observer.lookedUp(event);
    given = undefined;
  };
}
