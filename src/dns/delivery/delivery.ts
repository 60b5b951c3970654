/**
 * The last step of a lookup: addresses into the kernel, then the answer to everyone who waits for it. What
 * one pass of the loop has brought is settled together, so its addresses share one round trip to the kernel.
 */
import type { Decision } from "../../policy/decision.ts";
import type { DomainName } from "../../policy/domain-name.ts";
import type { Arena } from "../../sys/arena.ts";
import type { Counters } from "../counters.ts";
import { KERNEL_FAILED } from "../own-replies.ts";
import type { TellLookup } from "../lookup-events.ts";
import type { AddressAdmission, LookupOutcome } from "../ports.ts";
import type { PreparedAnswer } from "../answer/prepared-answer.ts";
import { createShare, shareAnswer, writeAnswer } from "../answer/write-answer.ts";
import { createRecentlyLearned } from "./recently-learned.ts";
import { NO_WAITER, type WaiterTable } from "./waiters.ts";
import { HEADER_OCTETS, Rcode } from "../wire/constants.ts";
import { MAX_OWN_REPLY_OCTETS, writeOwnReply, type OwnReply } from "../wire/reply.ts";

const MAX_STREAM_OCTETS = 65_535;

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
  const recentlyLearned = createRecentlyLearned();
  const share = createShare();
  let drawn = 1;

  /**
   * A number below `count`. Nobody needs it to be unknown, only that clients who ask for two types in turn
   * see all of them.
   */
  function drawFirst(count: number): number {
    drawn = (Math.imul(drawn, 1_664_525) + 1_013_904_223) >>> 0;
    return (drawn >>> 16) % count;
  }

  /**
   * It is noted before the commit, so that an answer that goes out twice in a pass is learned once; a refused
   * commit takes it back.
   */
  function learnUnlessJustLearned(item: ReadyAnswer): void {
    const epoch = admission.epoch();
    item.isLearned = recentlyLearned.find(item.answer.serial, epoch, item.nowMs);
    if (item.isLearned) return;
    learn(item);
    recentlyLearned.note(item.answer.serial, epoch, item.nowMs);
  }

  function learn({ qname, answer, ageSeconds }: ReadyAnswer): void {
    const ttlSeconds = Math.max(answer.ttlSeconds - ageSeconds, 0);
    for (let i = 0; i < answer.addressCount; i++) {
      const at = answer.bodyStart + (answer.addressAt[i] ?? 0);
      admission.learn(qname, answer.octets, at, answer.addressOctets, ttlSeconds);
    }
  }

  function reply(ownReply: OwnReply, firstWaiter: number): void {
    for (let row = firstWaiter; row !== NO_WAITER; row = waiters.release(row)) replyTo(row, ownReply);
  }

  function replyTo(row: number, ownReply: OwnReply): void {
    const client = waiters.client(row);
    if (!client) return;
    const asker = waiters.asker(row);
    const start = client.reserve(HEADER_OCTETS + asker.questionOctets + MAX_OWN_REPLY_OCTETS);
    copyQuestion(row, start, asker.questionOctets);
    const length = writeOwnReply(arena.octets, { ...asker, start }, ownReply);
    client.send(start, length, waiters.nameAt(row), waiters.nameLength(row));
  }

  function copyQuestion(row: number, start: number, questionOctets: number): void {
    const from = waiters.questionAt(row);
    arena.octets.copyWithin(start + HEADER_OCTETS, from, from + questionOctets);
  }

  function deliver(item: ReadyAnswer): void {
    const { answer } = item;
    share.ageSeconds = item.ageSeconds;
    for (let row = item.firstWaiter; row !== NO_WAITER; row = waiters.release(row)) {
      const client = waiters.client(row);
      if (!client) continue;
      const asker = waiters.asker(row);
      shareAnswer(answer, asker, client.isStream ? MAX_STREAM_OCTETS : waiters.udpSize(row), share);
      share.firstAddress =
        answer.serial === 0 || answer.addressCount < 2 ? 0 : drawFirst(answer.addressCount);
      const start = client.reserve(share.octets);
      copyQuestion(row, start, asker.questionOctets);
      writeAnswer(arena.octets, start, answer, asker, share);
      client.send(start, share.octets, waiters.nameAt(row), waiters.nameLength(row));
      tell(item, outcomeOf(answer), answer.rcode, answer);
    }
  }

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

  function forgetLearned(item: ReadyAnswer): void {
    if (!item.isLearned) recentlyLearned.forget(item.answer.serial);
  }

  function refuse(item: ReadyAnswer): void {
    counters.kernelFailures += 1;
    tell(item, "kernel", KERNEL_FAILED.rcode);
    reply(KERNEL_FAILED, item.firstWaiter);
  }

  return {
    queue(answer, qname, firstWaiter) {
      const item = (items[queued] ??= createItem(answer, qname));
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
        forEachQueued(forgetLearned);
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

function createItem(answer: PreparedAnswer, qname: DomainName): ReadyAnswer {
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
