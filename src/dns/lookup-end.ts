import type { Decision } from "../policy/decision.ts";
import type { AnswerCache } from "./answer/cache.ts";
import type { Counters } from "./counters.ts";
import type { Delivery } from "./delivery/delivery.ts";
import type { LookupEnd } from "./upstream/endings.ts";
import { NOTHING_HEARD, type Lookup } from "./upstream/lookups.ts";
import type { TellLookup } from "./lookup-events.ts";
import { deniedReply, rcodeReply, UPSTREAM_FAILED } from "./own-replies.ts";
import type { LookupObserver, LookupPolicy } from "./ports.ts";

export interface LookupEndOptions {
  readonly policy: LookupPolicy;
  readonly cache: AnswerCache;
  readonly delivery: Delivery;
  readonly observer: Pick<LookupObserver, "forwarded">;
  readonly tell: TellLookup;
  readonly counters: Counters;
  /** What a lookup has until its deadline. */
  readonly timeoutMs: number;
  readonly nowMs: () => number;
}

/**
 * What becomes of a lookup that the upstreams are done with: the policy of this moment decides again before
 * it reports anything.
 */
export function createLookupEnd({
  policy,
  cache,
  delivery,
  observer,
  tell,
  counters,
  timeoutMs,
  nowMs: clock,
}: LookupEndOptions): LookupEnd {
  function deny(lookup: Lookup, decision: Decision, upstream: number | undefined, nowMs: number): void {
    counters.denied += 1;
    const { qname, qtype } = lookup;
    const durationMs = durationOf(lookup, nowMs);
    const reply = deniedReply(decision, policy.allowsBelow(qname));
    tell({ qname, qtype, decision, upstream, durationMs, nowMs }, "denied", reply.rcode);
    delivery.reply(reply, lookup.firstWaiter);
  }

  function durationOf({ deadlineMs }: Lookup, nowMs: number): number {
    return nowMs - deadlineMs + timeoutMs;
  }

  return {
    answered(lookup, answer, nowMs) {
      const { qname, kind, qtype, firstWaiter, upstream } = lookup;
      const durationMs = durationOf(lookup, nowMs);
      observer.forwarded(durationMs);
      const decision = policy.decide(qname);
      if (decision.action === "deny") {
        deny(lookup, decision, upstream, nowMs);
        return;
      }
      cache.store(qname, kind, answer, nowMs);
      const item = delivery.queue(answer, qname, firstWaiter);
      item.qtype = qtype;
      item.decision = decision;
      item.upstream = upstream;
      item.durationMs = durationMs;
      item.ageSeconds = 0;
      item.nowMs = nowMs;
    },
    denied(lookup) {
      const nowMs = clock();
      observer.forwarded(durationOf(lookup, nowMs));
      deny(lookup, policy.decide(lookup.qname), undefined, nowMs);
    },
    failed(lookup, rcode) {
      const { qname, qtype, firstWaiter, upstream } = lookup;
      const nowMs = clock();
      const durationMs = durationOf(lookup, nowMs);
      observer.forwarded(durationMs);
      const reply = rcode === NOTHING_HEARD ? UPSTREAM_FAILED : rcodeReply(rcode);
      const decision = policy.decide(qname);
      const outcome = rcode === NOTHING_HEARD ? "upstream" : "rcode";
      tell({ qname, qtype, decision, upstream, durationMs, nowMs }, outcome, reply.rcode);
      delivery.reply(reply, firstWaiter);
    },
  };
}
