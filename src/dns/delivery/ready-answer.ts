import type { Decision } from "../../policy/decision.ts";
import type { DomainName } from "../../policy/domain-name.ts";
import type { PreparedAnswer } from "../answer/prepared-answer.ts";
import { NO_WAITER } from "./waiters.ts";

/** An answer on its way to those that wait for it. */
export interface ReadyAnswer {
  /** Stays as it is until `settle`. */
  answer: PreparedAnswer;
  qname: DomainName;
  firstWaiter: number;
  qtype: number;
  /** What allowed it. */
  decision: Decision | undefined;
  ageSeconds: number;
  /** When it was found. */
  nowMs: number;
  /** The upstream that gave it, and how long it took; undefined and 0 for one from the cache. */
  upstream: number | undefined;
  durationMs: number;
  /** Set by `settle`: whether its addresses were learned shortly before, or earlier in this pass. */
  isLearned: boolean;
}

export function createReadyAnswer(answer: PreparedAnswer, qname: DomainName): ReadyAnswer {
  return {
    answer,
    qname,
    firstWaiter: NO_WAITER,
    qtype: 0,
    decision: undefined,
    ageSeconds: 0,
    nowMs: 0,
    upstream: undefined,
    durationMs: 0,
    isLearned: false,
  };
}
