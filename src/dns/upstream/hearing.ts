/**
 * What an upstream's message leads to. Data wins at once. A "no" waits for upstreams that stand before the
 * one that gave it and have not answered yet, since upstreams need not know the same names: until they
 * answer, fail, or {@link NEGATIVE_WAIT_MS} have passed. What is of no use turns the upstream away, and the
 * next one is asked.
 */
import type { PreparedAnswer } from "../answer/prepared-answer.ts";
import { Rcode } from "../wire/constants.ts";
import type { AnswerIndex } from "../wire/answer.ts";
import { isLetter } from "../wire/upstream-query.ts";
import { Worth, type Arrival } from "./answer-worth.ts";
import type { Endings } from "./endings.ts";
import { Style, type UpstreamHabits } from "./habits.ts";
import type { UpstreamHealth } from "./health.ts";
import type { HeldAnswers } from "./held-answers.ts";
import { MAX_TRIES, NOTHING_HEARD, type Lookup } from "./lookups.ts";
import type { AskOverTcp } from "./over-tcp.ts";
import { HEDGE_MS, type Tries } from "./tries.ts";

/** How long a "no" waits. A recursion that is not cached takes some hundred milliseconds. */
export const NEGATIVE_WAIT_MS = 1500;
const HIGHEST_PLAIN_RCODE = 15;

export interface HearingOptions {
  /** What the questions of lookups are written in. */
  readonly octets: Buffer;
  /** How many upstreams there are. */
  readonly count: number;
  readonly health: UpstreamHealth;
  readonly habits: UpstreamHabits;
  readonly index: AnswerIndex;
  readonly held: HeldAnswers;
  readonly tries: Tries;
  readonly endings: Endings;
  readonly takePrepared: () => PreparedAnswer;
  readonly weigh: (lookup: Lookup, arrival: Arrival, prepared: PreparedAnswer) => Worth;
  readonly askOverTcp: AskOverTcp;
}

export interface Hearing {
  /** An answer to the question, asked in that style. */
  judge(lookup: Lookup, message: Arrival, style: number, nowMs: number): void;
  /** An answer that has lost its letter case: nobody can forge one over TCP. */
  foldedCase(lookup: Lookup, upstream: number, nowMs: number): void;
  /** It is long since the last try. */
  silence(lookup: Lookup, nowMs: number): void;
}

export function createHearing(options: HearingOptions): Hearing {
  const { health, habits, index, held, tries, endings } = options;
  const every = 2 ** options.count - 1;

  function judge(lookup: Lookup, message: Arrival, style: number, nowMs: number): void {
    const { upstream } = message;
    health.answered(upstream);
    lookup.heard |= 1 << upstream;
    const prepared = options.takePrepared();
    switch (options.weigh(lookup, message, prepared)) {
      case Worth.data:
        learn(lookup, upstream, style, nowMs);
        endings.answer(lookup, upstream, prepared, nowMs);
        return;
      case Worth.negative:
        hearNo(lookup, message, style, prepared, nowMs);
        return;
      case Worth.empty:
        if (lookup.held === undefined) held.hold(lookup, message, true);
        doubtOrTurnAway(lookup, upstream, style, NOTHING_HEARD, nowMs);
        return;
      case Worth.truncated:
        if (!lookup.overTcp) askOverTcp(lookup, upstream, nowMs);
        return;
      case Worth.refusesEdns:
        tries.withoutEdns(lookup, upstream, nowMs);
        return;
      case Worth.failure: {
        const rcode = index.rcode > HIGHEST_PLAIN_RCODE ? Rcode.servFail : index.rcode;
        doubtOrTurnAway(lookup, upstream, style, rcode, nowMs);
        return;
      }
      case Worth.referral:
      case Worth.useless:
        turnAway(lookup, upstream, NOTHING_HEARD, nowMs);
    }
  }

  function learn(lookup: Lookup, upstream: number, style: number, nowMs: number): void {
    const asked = lookup.edns ? style : style | Style.withoutEdns;
    if (asked !== Style.hardened) habits.helped(upstream, asked, nowMs);
    if (!habits.wantsProof(upstream, nowMs)) return;
    habits.proved(upstream, isMixed(lookup) ? asked : asked | Style.lowerCase, nowMs);
  }

  function hearNo(
    lookup: Lookup,
    message: Arrival,
    style: number,
    prepared: PreparedAnswer,
    nowMs: number,
  ): void {
    const { upstream } = message;
    const bit = 1 << upstream;
    if (isDoubtful(lookup, upstream, style, nowMs)) {
      lookup.doubted |= bit;
      hold(lookup, message, nowMs);
      tries.plainly(lookup, upstream, nowMs);
      return;
    }
    if ((lookup.doubted & bit) !== 0) {
      if ((style & Style.lowerCase) === 0) return;
      lookup.doubted &= ~bit;
    } else if (style !== Style.hardened) {
      habits.helped(upstream, style, nowMs);
    }
    if (tries.awaited(lookup, upstream) === 0) endings.answer(lookup, upstream, prepared, nowMs);
    else hold(lookup, message, nowMs);
  }

  /** Of two the one is held whose upstream stands first. */
  function hold(lookup: Lookup, message: Arrival, nowMs: number): void {
    const { held: other } = lookup;
    if (other === undefined || other.isLastResort) lookup.heldUntilMs = nowMs + NEGATIVE_WAIT_MS;
    else if ((health.before(message.upstream) & (1 << other.upstream)) !== 0) return;
    held.hold(lookup, message, false);
  }

  /** Whether the upstream may have said so because of the letter case: see `habits.ts`. */
  function isDoubtful(lookup: Lookup, upstream: number, style: number, nowMs: number): boolean {
    return (
      (style & Style.lowerCase) === 0 &&
      !habits.provesCase(upstream, nowMs) &&
      (lookup.askedPlainly & (1 << upstream)) === 0 &&
      lookup.tries < MAX_TRIES &&
      isMixed(lookup)
    );
  }

  function isMixed({ isDrawn, askedAt, questionOctets }: Lookup): boolean {
    if (!isDrawn) return false;
    for (let at = askedAt; at < askedAt + questionOctets - 4; at++) {
      const octet = options.octets[at] ?? 0;
      if (isLetter(octet) && (octet & 0x20) === 0) return true;
    }
    return false;
  }

  function doubtOrTurnAway(
    lookup: Lookup,
    upstream: number,
    style: number,
    rcode: number,
    nowMs: number,
  ): void {
    if (!isDoubtful(lookup, upstream, style, nowMs)) {
      turnAway(lookup, upstream, rcode, nowMs);
      return;
    }
    if (rcode !== NOTHING_HEARD) lookup.lastRcode = rcode;
    tries.plainly(lookup, upstream, nowMs);
  }

  /**
   * The upstream has nothing for this lookup: the next one is asked, those that are silent are waited for, or
   * it is over.
   */
  function turnAway(lookup: Lookup, upstream: number, rcode: number, nowMs: number): void {
    const bit = 1 << upstream;
    if (rcode !== NOTHING_HEARD) lookup.lastRcode = rcode;
    if ((lookup.doubted & bit) === 0) lookup.exhausted |= bit;
    else lookup.doubted &= ~bit;
    if (lookup.held !== undefined && !lookup.held.isLastResort) {
      if (tries.awaited(lookup, lookup.held.upstream) === 0) endings.giveUp(lookup, nowMs);
    } else if (lookup.exhausted === every) {
      if (!lookup.overTcp) lastResort(lookup, nowMs);
    } else if (lookup.asked !== every && lookup.tries < MAX_TRIES) {
      tries.next(lookup, nowMs);
    }
  }

  /** Errors alone, also of upstreams that keep the case: the name's own servers may not. */
  function lastResort(lookup: Lookup, nowMs: number): void {
    const isHopeful = lookup.lastRcode !== NOTHING_HEARD && lookup.askedPlainly === 0;
    if (!isHopeful || lookup.tries >= MAX_TRIES || !isMixed(lookup)) {
      endings.giveUp(lookup, nowMs);
      return;
    }
    const first = health.choose(0, 0, 0);
    lookup.exhausted &= ~(1 << first);
    tries.plainly(lookup, first, nowMs);
  }

  function askOverTcp(lookup: Lookup, upstream: number, nowMs: number): void {
    if (!endings.mayGoOn(lookup)) return;
    const style = (lookup.askedPlainly & (1 << upstream)) === 0 ? Style.hardened : Style.lowerCase;
    options.askOverTcp(lookup, upstream, style, nowMs, hearOverTcp);
  }

  function hearOverTcp(
    lookup: Lookup,
    upstream: number,
    answer: Buffer | undefined,
    style: number,
    nowMs: number,
  ): void {
    lookup.nextTryMs = nowMs + HEDGE_MS;
    const hasFolded = lookup.foldedBy === upstream;
    if (answer !== undefined) {
      if (hasFolded) habits.helped(upstream, Style.lowerCase, nowMs);
      const message = { octets: answer, start: 0, end: answer.length, upstream, overTcp: true };
      judge(lookup, message, style, nowMs);
    } else if (!hasFolded) {
      turnAway(lookup, upstream, NOTHING_HEARD, nowMs);
    } else if ((lookup.askedPlainly & (1 << upstream)) === 0) {
      tries.plainly(lookup, upstream, nowMs);
    }
  }

  return {
    judge,
    foldedCase(lookup, upstream, nowMs) {
      lookup.foldedBy = upstream;
      askOverTcp(lookup, upstream, nowMs);
      lookup.nextTryMs = nowMs + HEDGE_MS;
    },
    silence(lookup, nowMs) {
      if (!lookup.overTcp) {
        tries.next(lookup, nowMs);
        return;
      }
      // Only an upstream that folds the case is asked over UDP beside TCP, which it may not have.
      if (lookup.foldedBy >= 0) tries.plainly(lookup, lookup.foldedBy, nowMs);
      lookup.nextTryMs = lookup.deadlineMs;
    },
  };
}
