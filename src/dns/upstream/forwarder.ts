/**
 * Takes allowed lookups to the upstreams: asked one after the other (the next after a few hundred ms while the first is still listened
 * to), over TCP when an answer is truncated, until one gives data or a clear no. One time limit holds for the whole.
 *
 * Every answer is judged by the policy as it is when it arrives, not as it was when the question left.
 *
 * Known limit: an upstream that answers a slow name late loses its place to the next one until it answers again or a probe revives it.
 */
import type { DomainName } from "../../policy/domain-name.ts";
import type { Arena } from "../../sys/arena.ts";
import type { Region } from "../../sys/region.ts";
import { createAttempts } from "./attempts.ts";
import type { CleanAnswer } from "../answer/clean-answer.ts";
import type { Counters } from "../counters.ts";
import { createLookupTable, MAX_TRIES, NOTHING_HEARD, type Lookup } from "./lookups.ts";
import type { LookupPolicy } from "../ports.ts";
import type { PreparedAnswer } from "../answer/prepared-answer.ts";
import type { UpstreamHealth } from "./health.ts";
import type { UpstreamTransport } from "./transport.ts";
import {
  answersQuestion,
  answersQuestionInOtherCase,
  isBareRefusal,
  type AnswerIndex,
  type AskedQuestion,
} from "../wire/answer.ts";
import { HEADER_OCTETS, Rcode } from "../wire/constants.ts";
import { questionKind, type Query } from "../wire/query.ts";
import { createWeigher, Worth, type Arrival } from "./answer-worth.ts";
import { createOverTcp } from "./over-tcp.ts";

/** First wait before another upstream is tried, too; it doubles from try to try. */
const HEDGE_MS = 300;
const HIGHEST_PLAIN_RCODE = 15;

export interface LookupEnd {
  /** An answer to give out. It stays as it is until the loop's pass is over. */
  answered(lookup: Lookup, answer: PreparedAnswer, nowMs: number): void;
  /** No upstream gave one; `rcode` is the last one heard, or NOTHING_HEARD. */
  failed(lookup: Lookup, rcode: number): void;
}

export interface ForwarderOptions {
  readonly arena: Arena;
  readonly region: Region;
  readonly capacity: number;
  readonly timeoutMs: number;
  readonly transport: UpstreamTransport;
  readonly health: UpstreamHealth;
  readonly policy: LookupPolicy;
  readonly index: AnswerIndex;
  readonly clean: CleanAnswer;
  readonly counters: Counters;
  /** A prepared answer that nobody uses in this pass. */
  readonly takePrepared: () => PreparedAnswer;
  readonly randomOctet: () => number;
  readonly now: () => number;
  /** To be called when an answer came outside of the loop's own passes. */
  readonly onLateAnswer: () => void;
  readonly end: LookupEnd;
}

export interface Forwarder {
  /** The lookup under way for the name and kind (`questionKind`). */
  find(qname: DomainName, kind: number): Lookup | undefined;
  /** Asks; undefined when too many lookups are under way. */
  start(qname: DomainName, query: Query, nowMs: number): Lookup | undefined;
  /** A datagram that came from an upstream, under the attempt's key. */
  receive(attempt: number, upstream: number, octets: Buffer, start: number, end: number, nowMs: number): void;
  /** Tries again and gives up where it is time. Call it while `size` is not 0, every 50 ms or so. */
  tick(nowMs: number): void;
  /** Gives all lookups up now. */
  abandon(): void;
  size(): number;
}

export function createForwarder(options: ForwarderOptions): Forwarder {
  const { arena, transport, health, index, end, counters } = options;
  const table = createLookupTable(options.region, options.capacity);
  const attempts = createAttempts(arena, transport, options.randomOctet, options.capacity);
  const everyUpstream = 2 ** transport.count - 1;
  /** One object for all arrivals: each is over before the next. */
  const arrival: Arrival = { octets: arena.octets, start: 0, end: 0, upstream: 0, overTcp: false };
  const asked: { octets: Buffer; at: number; length: number } = { octets: arena.octets, at: 0, length: 0 };
  const weigh = createWeigher({ ...options, admitsAddress: options.policy.admitsAddress });
  const exchange = createOverTcp({ ...options, attempts, askedBy });

  function askedBy(lookup: Lookup): AskedQuestion {
    asked.at = lookup.askedAt;
    asked.length = lookup.questionOctets;
    return asked;
  }

  /** Asks the next upstream. One that no socket can be had for is passed over, as long as there are others to ask. */
  function tryNext(lookup: Lookup, nowMs: number): void {
    lookup.nextTryMs = nowMs + HEDGE_MS * 2 ** Math.min(lookup.tries, 4);
    for (let looked = 0; looked < transport.count; looked++) {
      const upstream = health.choose(lookup.asked, lookup.exhausted, lookup.tries);
      if (upstream < 0) return;
      lookup.upstream = upstream;
      lookup.asked |= 1 << upstream;
      if (send(lookup, upstream)) return;
      health.timedOut(upstream);
    }
  }

  function send(lookup: Lookup, upstream: number): boolean {
    const isSent = attempts.send(lookup, upstream);
    if (isSent) lookup.tries += 1;
    return isSent;
  }

  function close(lookup: Lookup): void {
    attempts.endAll(lookup);
    table.close(lookup);
  }

  function fail(lookup: Lookup): void {
    counters.upstreamFailures += 1;
    end.failed(lookup, lookup.lastRcode);
    close(lookup);
  }

  function judge(lookup: Lookup, message: Arrival, nowMs: number): void {
    const { upstream } = message;
    health.answered(upstream);
    const prepared = options.takePrepared();
    const worth = weigh(lookup, message, prepared);
    switch (worth) {
      case Worth.final:
        lookup.upstream = upstream;
        end.answered(lookup, prepared, nowMs);
        close(lookup);
        return;
      case Worth.truncated:
        if (!lookup.overTcp) askOverTcp(lookup, upstream, nowMs);
        return;
      case Worth.refusesEdns:
        askWithoutEdns(lookup, upstream);
        return;
      case Worth.failure:
        turnAway(lookup, upstream, index.rcode > HIGHEST_PLAIN_RCODE ? Rcode.servFail : index.rcode, nowMs);
        return;
      case Worth.useless:
        turnAway(lookup, upstream, NOTHING_HEARD, nowMs);
    }
  }

  function askWithoutEdns(lookup: Lookup, upstream: number): void {
    lookup.edns = false;
    send(lookup, upstream);
  }

  /** The upstream has nothing for this lookup: the next one is asked, those that are silent are waited for, or it is over. */
  function turnAway(lookup: Lookup, upstream: number, rcode: number, nowMs: number): void {
    if (rcode !== NOTHING_HEARD) lookup.lastRcode = rcode;
    lookup.exhausted |= 1 << upstream;
    if (lookup.exhausted === everyUpstream) {
      if (!lookup.overTcp) fail(lookup);
    } else if (lookup.asked !== everyUpstream && lookup.tries < MAX_TRIES) {
      tryNext(lookup, nowMs);
    }
  }

  function askOverTcp(lookup: Lookup, upstream: number, nowMs: number): void {
    exchange(lookup, upstream, nowMs, hearOverTcp);
  }

  function hearOverTcp(lookup: Lookup, upstream: number, answer: Buffer | undefined, nowMs: number): void {
    lookup.nextTryMs = nowMs + HEDGE_MS;
    if (answer === undefined) turnAway(lookup, upstream, NOTHING_HEARD, nowMs);
    else judge(lookup, { octets: answer, start: 0, end: answer.length, upstream, overTcp: true }, nowMs);
  }

  function receive(
    attempt: number,
    upstream: number,
    octets: Buffer,
    start: number,
    stop: number,
    nowMs: number,
  ): void {
    const lookup = attempts.lookupOf(attempt);
    if (lookup === undefined) {
      counters.unmatchedResponses += 1;
      return;
    }
    if (answersQuestion(octets, start, stop, askedBy(lookup))) {
      attempts.end(lookup, attempt);
      arrival.octets = octets;
      arrival.start = start;
      arrival.end = stop;
      arrival.upstream = upstream;
      judge(lookup, arrival, nowMs);
    } else if (!lookup.overTcp && answersQuestionInOtherCase(octets, start, stop, askedBy(lookup))) {
      attempts.end(lookup, attempt);
      askOverTcp(lookup, upstream, nowMs);
    } else if (lookup.edns && isBareRefusal(octets, start, stop)) {
      attempts.end(lookup, attempt);
      askWithoutEdns(lookup, upstream);
    } else {
      counters.unmatchedResponses += 1;
    }
  }

  return {
    find: table.find,
    start(qname, query, nowMs) {
      const lookup = table.open(qname, questionKind(query));
      if (lookup === undefined) return undefined;
      counters.forwarded += 1;
      begin(lookup, query);
      lookup.deadlineMs = nowMs + options.timeoutMs;
      const question = query.start + HEADER_OCTETS;
      arena.octets.copyWithin(lookup.askedAt, question, question + query.questionOctets);
      tryNext(lookup, nowMs);
      return lookup;
    },
    receive,
    tick(nowMs) {
      for (const lookup of table.all()) {
        if (nowMs >= lookup.deadlineMs) {
          noteSilence(lookup);
          fail(lookup);
        } else if (nowMs >= lookup.nextTryMs && lookup.tries < MAX_TRIES) {
          noteSilence(lookup);
          tryNext(lookup, nowMs);
        }
      }
    },
    abandon() {
      for (const lookup of table.all()) fail(lookup);
    },
    size: table.size,
  };

  function noteSilence({ overTcp, exhausted, upstream }: Lookup): void {
    if (!overTcp && (exhausted & (1 << upstream)) === 0) health.timedOut(upstream);
  }
}

function begin(lookup: Lookup, query: Query): void {
  lookup.qtype = query.qtype;
  lookup.authenticData = query.authenticData;
  lookup.checkingDisabled = query.checkingDisabled;
  lookup.dnssecOk = query.dnssecOk;
  lookup.questionOctets = query.questionOctets;
  lookup.asked = 0;
  lookup.exhausted = 0;
  lookup.tries = 0;
  lookup.lastRcode = NOTHING_HEARD;
  lookup.edns = true;
  lookup.overTcp = false;
}
