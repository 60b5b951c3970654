/** Asks an upstream over TCP for a lookup whose answer over UDP could not be used, and listens for what comes of it. */
import type { Counters } from "../counters.ts";
import { answersQuestion, answersQuestionInOtherCase, type AskedQuestion } from "../wire/answer.ts";
import { HEADER_OCTETS } from "../wire/constants.ts";
import { read16 } from "../wire/query.ts";
import type { Attempts } from "./attempts.ts";
import type { Lookup } from "./lookups.ts";
import type { UpstreamTransport } from "./transport.ts";

export interface OverTcpOptions {
  readonly transport: UpstreamTransport;
  readonly attempts: Attempts;
  readonly counters: Counters;
  readonly randomOctet: () => number;
  readonly now: () => number;
  /** To be called when an answer came outside of the loop's own passes. */
  readonly onLateAnswer: () => void;
  readonly askedBy: (lookup: Lookup) => AskedQuestion;
}

/** `answer` is undefined where none came, or none to the question. */
export type OnTcpAnswer = (
  lookup: Lookup,
  upstream: number,
  answer: Buffer | undefined,
  nowMs: number,
) => void;

/**
 * Makes what asks. While an exchange is under way no further upstream is tried; if there are others it may take half of the time that is
 * left. `onAnswer` is not called for a lookup that has ended meanwhile.
 */
export function createOverTcp(
  options: OverTcpOptions,
): (lookup: Lookup, upstream: number, nowMs: number, onAnswer: OnTcpAnswer) => void {
  const { transport, attempts, counters, askedBy } = options;

  /** Letter case does not count here: nobody can forge an answer on a connection. */
  function usable(
    lookup: Lookup,
    id: number,
    upstream: number,
    answer: Buffer | undefined,
  ): Buffer | undefined {
    if (answer === undefined || answer.length < HEADER_OCTETS || read16(answer, 0) !== id) return undefined;
    if (answersQuestion(answer, 0, answer.length, askedBy(lookup))) return answer;
    if (!answersQuestionInOtherCase(answer, 0, answer.length, askedBy(lookup))) return undefined;
    attempts.noteFoldedCase(upstream);
    return answer;
  }

  return (lookup, upstream, nowMs, onAnswer) => {
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
        onAnswer(lookup, upstream, usable(lookup, id, upstream, answer), options.now());
      }
      options.onLateAnswer();
    };
    void transport.exchange(upstream, attempts.encode(lookup, id), limitMs).then(hear);
  };
}
