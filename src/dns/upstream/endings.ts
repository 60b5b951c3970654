/**
 * How a lookup ends: with an answer, with a "no" that it has held, without either, or because the policy has
 * changed meanwhile.
 */
import type { PreparedAnswer } from "../answer/prepared-answer.ts";
import type { Counters } from "../counters.ts";
import type { LookupPolicy } from "../ports.ts";
import type { Arrival, Worth } from "./answer-worth.ts";
import type { Attempts } from "./attempts.ts";
import type { HeldAnswers } from "./held-answers.ts";
import { NOTHING_HEARD, type Lookup, type LookupTable } from "./lookups.ts";

export interface LookupEnd {
  /** An answer to give out. It stays as it is until the loop's pass is over. */
  answered(lookup: Lookup, answer: PreparedAnswer, nowMs: number): void;
  /** No upstream gave one; `rcode` is the last one heard, or NOTHING_HEARD. */
  failed(lookup: Lookup, rcode: number): void;
  /** The policy of this moment denies the name. */
  denied(lookup: Lookup): void;
}

export interface EndingsOptions {
  readonly policy: Pick<LookupPolicy, "decide">;
  readonly counters: Counters;
  readonly end: LookupEnd;
  readonly table: LookupTable;
  readonly attempts: Attempts;
  readonly held: HeldAnswers;
  readonly takePrepared: () => PreparedAnswer;
  readonly weigh: (lookup: Lookup, arrival: Arrival, prepared: PreparedAnswer) => Worth;
}

export interface Endings {
  answer(lookup: Lookup, upstream: number, prepared: PreparedAnswer, nowMs: number): void;
  /** Gives out what the lookup has held, or fails. */
  giveUp(lookup: Lookup, nowMs: number): void;
  fail(lookup: Lookup): void;
  /** Whether the policy still allows the name; if not, the lookup ends. */
  mayGoOn(lookup: Lookup): boolean;
}

export function createEndings(options: EndingsOptions): Endings {
  const { policy, counters, end, table, attempts, held } = options;

  function close(lookup: Lookup): void {
    held.release(lookup);
    attempts.endAll(lookup);
    table.close(lookup);
  }

  function answer(lookup: Lookup, upstream: number, prepared: PreparedAnswer, nowMs: number): void {
    lookup.upstream = upstream;
    end.answered(lookup, prepared, nowMs);
    close(lookup);
  }

  function fail(lookup: Lookup): void {
    counters.upstreamFailures += 1;
    if (lookup.lastRcode !== NOTHING_HEARD) counters.rcodeFailures += 1;
    end.failed(lookup, lookup.lastRcode);
    close(lookup);
  }

  return {
    answer,
    fail,
    giveUp(lookup, nowMs) {
      if (lookup.held === undefined) {
        fail(lookup);
        return;
      }
      const { octets, upstream, overTcp } = lookup.held;
      const prepared = options.takePrepared();
      options.weigh(lookup, { octets, start: 0, end: octets.length, upstream, overTcp }, prepared);
      answer(lookup, upstream, prepared, nowMs);
    },
    mayGoOn(lookup) {
      if (policy.decide(lookup.qname).action === "allow") return true;
      end.denied(lookup);
      close(lookup);
      return false;
    },
  };
}
