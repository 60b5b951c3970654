/**
 * Asks an upstream over TCP for a lookup whose answer over UDP could not be used, and listens for what comes
 * of it.
 */
import type { Counters } from "../counters.ts";
import { answersQuestion, answersQuestionInOtherCase, type AskedQuestion } from "../wire/answer.ts";
import { HEADER_OCTETS } from "../wire/constants.ts";
import { read16 } from "../wire/query.ts";
import type { Attempts } from "./attempts.ts";
import { Style, type UpstreamHabits } from "./habits.ts";
import type { Lookup } from "./lookups.ts";
import type { UpstreamTransport } from "./transport.ts";

export interface OverTcpOptions {
  readonly transport: UpstreamTransport;
  readonly attempts: Attempts;
  readonly habits: UpstreamHabits;
  readonly counters: Counters;
  readonly randomOctet: () => number;
  readonly nowMs: () => number;
  /** To be called when an answer came outside of the loop's own passes. */
  readonly onLateAnswer: () => void;
  /** Whether the policy still allows the name; if not, the lookup has been ended. */
  readonly mayGoOn: (lookup: Lookup) => boolean;
  readonly askedBy: (lookup: Lookup) => AskedQuestion;
}

/** `answer` is undefined if none came, or none to the question. */
export type OnTcpAnswer = (
  lookup: Lookup,
  upstream: number,
  answer: Buffer | undefined,
  style: number,
  nowMs: number,
) => void;

/**
 * While an exchange is under way no further upstream is tried; if there are others it may take half of the
 * time that is left. `onAnswer` is not called for a lookup that has ended meanwhile.
 */
export type AskOverTcp = (
  lookup: Lookup,
  upstream: number,
  style: number,
  nowMs: number,
  onAnswer: OnTcpAnswer,
) => void;

export function createOverTcp(options: OverTcpOptions): AskOverTcp {
  const { transport, attempts, habits, counters, askedBy } = options;

  /**
   * The style in which an answer counts as given; undefined if it is none. Letter case is no matter: nobody
   * can forge on a connection.
   */
  function styleOf(lookup: Lookup, upstream: number, answer: Buffer, style: number): number | undefined {
    if (answersQuestion(answer, 0, answer.length, askedBy(lookup))) return style;
    if (!answersQuestionInOtherCase(answer, 0, answer.length, askedBy(lookup))) return undefined;
    if ((style & Style.lowerCase) === 0 && lookup.isDrawn) habits.foldsCase(upstream, options.nowMs());
    return style | Style.lowerCase;
  }

  return (lookup, upstream, style, nowMs, onAnswer) => {
    counters.askedOverTcp += 1;
    lookup.overTcp = true;
    lookup.nextTryMs = lookup.deadlineMs;
    const { serial } = lookup;
    const id = (options.randomOctet() << 8) | options.randomOctet();
    const leftMs = Math.max(lookup.deadlineMs - nowMs, 1);
    const limitMs = transport.count > 1 ? leftMs / 2 : leftMs;
    const hear = (answer: Buffer | undefined): void => {
      if (lookup.serial === serial) {
        lookup.overTcp = false;
        const isOurs = answer !== undefined && answer.length >= HEADER_OCTETS && read16(answer, 0) === id;
        const heard = isOurs ? styleOf(lookup, upstream, answer, style) : undefined;
        const usable = heard === undefined ? undefined : answer;
        onAnswer(lookup, upstream, usable, heard ?? style, options.nowMs());
      }
      options.onLateAnswer();
    };
    const request = {
      upstream,
      query: attempts.encode(lookup, id, style),
      group: lookup.group,
      timeoutMs: limitMs,
      isWanted: () => lookup.serial === serial && options.mayGoOn(lookup),
    };
    void transport.exchange(request).then(hear);
  };
}
