import type { AddressAdmission } from "../ports.ts";
import type { ReadyAnswer } from "./ready-answer.ts";
import { createRecentlyLearned } from "./recently-learned.ts";

/** Queues an answer's addresses for the kernel, which a commit puts in force. */
export interface AnswerLearning {
  learn(item: ReadyAnswer): void;
  /**
   * Only if they have not been learned shortly before. It is noted before the commit, so that an answer that
   * goes out twice in a pass is learned once.
   */
  learnUnlessJustLearned(item: ReadyAnswer): void;
  /** The commit was refused: takes that note back. */
  forget(item: ReadyAnswer): void;
}

export function createAnswerLearning(admission: Pick<AddressAdmission, "learn" | "epoch">): AnswerLearning {
  const recentlyLearned = createRecentlyLearned();

  function learn({ qname, answer, ageSeconds }: ReadyAnswer): void {
    const ttlSeconds = Math.max(answer.ttlSeconds - ageSeconds, 0);
    for (let i = 0; i < answer.addressCount; i++) {
      const at = answer.bodyStart + (answer.addressAt[i] ?? 0);
      admission.learn(qname, answer.octets, at, answer.addressOctets, ttlSeconds);
    }
  }

  return {
    learn,
    learnUnlessJustLearned(item) {
      const epoch = admission.epoch();
      item.isLearned = recentlyLearned.find(item.answer.serial, epoch, item.nowMs);
      if (item.isLearned) return;
      learn(item);
      recentlyLearned.note(item.answer.serial, epoch, item.nowMs);
    },
    forget(item) {
      if (!item.isLearned) recentlyLearned.forget(item.answer.serial);
    },
  };
}
