/**
 * The last step of a lookup: addresses into the kernel, then the answer to everyone who waits for it. What
 * one pass of the loop has brought is settled together, so its addresses share one round trip to the kernel.
 */
import type { DomainName } from "../../policy/domain-name.ts";
import type { Arena } from "../../sys/arena.ts";
import type { Counters } from "../counters.ts";
import { KERNEL_FAILED } from "../own-replies.ts";
import type { TellLookup } from "../lookup-events.ts";
import type { AddressAdmission, LookupOutcome } from "../ports.ts";
import type { PreparedAnswer } from "../answer/prepared-answer.ts";
import { createAnswerLearning } from "./learn-answers.ts";
import { createReadyAnswer, type ReadyAnswer } from "./ready-answer.ts";
import { createReplySender } from "./send-replies.ts";
import type { WaiterTable } from "./waiters.ts";
import { Rcode } from "../wire/constants.ts";
import type { OwnReply } from "../wire/reply.ts";

export interface Delivery {
  /**
   * Queues an answer for the chain of waiters that starts at `firstWaiter`: the caller fills in the item,
   * which is used again after `settle`.
   */
  queue(answer: PreparedAnswer, qname: DomainName, firstWaiter: number): ReadyAnswer;
  /** Answers a chain of waiters ourselves, now. */
  reply(reply: OwnReply, firstWaiter: number): void;
  /** Commits the addresses of all that is ready and sends the answers. */
  settle(): void;
}

export function createDelivery(
  arena: Arena,
  waiters: WaiterTable,
  admission: AddressAdmission,
  tell: TellLookup,
  counters: Counters,
): Delivery {
  /** The first `queued` of them wait for `settle`; the objects are used again. */
  const items: ReadyAnswer[] = [];
  let queued = 0;
  const { learn, learnUnlessJustLearned, forget } = createAnswerLearning(admission);
  const { reply, deliver } = createReplySender(arena, waiters, (item) =>
    tell(item, outcomeOf(item.answer), item.answer.rcode, item.answer),
  );

  function settleAlone(item: ReadyAnswer): void {
    learn(item);
    if (admission.commit()) deliver(item);
    else refuse(item);
  }

  function forEachQueued(take: (item: ReadyAnswer) => void): void {
    for (let i = 0; i < queued; i++) {
      const item = items[i];
      if (item) take(item);
    }
  }

  function refuse(item: ReadyAnswer): void {
    counters.kernelFailures += 1;
    tell(item, "kernel", KERNEL_FAILED.rcode);
    reply(KERNEL_FAILED, item.firstWaiter);
  }

  return {
    queue(answer, qname, firstWaiter) {
      const item = (items[queued] ??= createReadyAnswer(answer, qname));
      item.answer = answer;
      item.qname = qname;
      item.firstWaiter = firstWaiter;
      queued += 1;
      return item;
    },
    reply,
    settle() {
      if (queued === 0) return;
      forEachQueued(learnUnlessJustLearned);
      if (admission.commit()) {
        forEachQueued(deliver);
      } else {
        forEachQueued(forget);
        // One of them spoils the batch: each by itself, so that only that one fails.
        forEachQueued(settleAlone);
      }
      queued = 0;
    },
  };
}

/** An upstream's answer is given out as it is, whatever its rcode. */
function outcomeOf({ rcode, hasData, withheldCount }: PreparedAnswer): LookupOutcome {
  if (hasData) return "answered";
  if (withheldCount > 0) return "withheld";
  if (rcode === Rcode.noError) return "nodata";
  return rcode === Rcode.nxDomain ? "nxdomain" : "rcode";
}
