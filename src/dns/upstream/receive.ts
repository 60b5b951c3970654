/** A datagram from an upstream: which try it answers, and whether it does. Others are counted and dropped. */
import type { Counters } from "../counters.ts";
import {
  answersQuestion,
  answersQuestionInOtherCase,
  isBareRefusal,
  type AskedQuestion,
} from "../wire/answer.ts";
import type { Arrival } from "./answer-worth.ts";
import type { Attempts } from "./attempts.ts";
import { Style } from "./habits.ts";
import type { UpstreamHealth } from "./health.ts";
import type { Hearing } from "./hearing.ts";
import type { Lookup } from "./lookups.ts";
import type { Tries } from "./tries.ts";

export interface ReceiveOptions {
  readonly attempts: Attempts;
  readonly health: Pick<UpstreamHealth, "answered">;
  readonly hearing: Pick<Hearing, "judge" | "foldedCase">;
  readonly tries: Pick<Tries, "withoutEdns">;
  readonly counters: Counters;
  readonly askedBy: (lookup: Lookup) => AskedQuestion;
}

/** A datagram that came from an upstream, under the attempt's key, in `octets[start, stop)`. */
export type ReceiveAnswer = (
  attempt: number,
  upstream: number,
  octets: Buffer,
  start: number,
  stop: number,
  nowMs: number,
) => void;

export function createReceive(options: ReceiveOptions): ReceiveAnswer {
  const { attempts, health, hearing, tries, counters, askedBy } = options;
  /** One object for all arrivals: each is over before the next. */
  const arrival: Arrival = { octets: Buffer.alloc(0), start: 0, end: 0, upstream: 0, overTcp: false };

  /** Whether it answers a question that was asked in lower case, which is no secret. */
  function isPlainAnswer(
    lookup: Lookup,
    attempt: number,
    octets: Buffer,
    start: number,
    stop: number,
  ): boolean {
    if ((attempts.styleOf(attempt) & Style.lowerCase) === 0) return false;
    return answersQuestionInOtherCase(octets, start, stop, askedBy(lookup));
  }

  return function receive(attempt, upstream, octets, start, stop, nowMs) {
    const lookup = attempts.lookupOf(attempt);
    if (lookup === undefined) {
      if (attempts.endLate(attempt)) health.answered(upstream);
      else counters.unmatchedResponses += 1;
      return;
    }
    const isExact = answersQuestion(octets, start, stop, askedBy(lookup));
    if (isExact || isPlainAnswer(lookup, attempt, octets, start, stop)) {
      arrival.octets = octets;
      arrival.start = start;
      arrival.end = stop;
      arrival.upstream = upstream;
      hearing.judge(lookup, arrival, attempts.end(lookup, attempt), nowMs);
    } else if (!lookup.overTcp && answersQuestionInOtherCase(octets, start, stop, askedBy(lookup))) {
      attempts.end(lookup, attempt);
      hearing.foldedCase(lookup, upstream, nowMs);
    } else if (lookup.edns && isBareRefusal(octets, start, stop)) {
      attempts.end(lookup, attempt);
      tries.withoutEdns(lookup, upstream, nowMs);
    } else {
      counters.unmatchedResponses += 1;
    }
  };
}
