/** Writes and sends what a chain of waiters gets, and lets them go. */
import type { Arena } from "../../sys/arena.ts";
import { createShare, shareAnswer, writeAnswer } from "../answer/write-answer.ts";
import { HEADER_OCTETS } from "../wire/constants.ts";
import { MAX_OWN_REPLY_OCTETS, writeOwnReply, type OwnReply } from "../wire/reply.ts";
import type { ReadyAnswer } from "./ready-answer.ts";
import { NO_WAITER, type WaiterTable } from "./waiters.ts";

const MAX_STREAM_OCTETS = 65_535;

export interface ReplySender {
  /** A reply of our own. */
  reply(reply: OwnReply, firstWaiter: number): void;
  /** An answer of an upstream or the cache. */
  deliver(item: ReadyAnswer): void;
}

/** `onSent` is called for each waiter that has been sent the answer. */
export function createReplySender(
  arena: Arena,
  waiters: WaiterTable,
  onSent: (item: ReadyAnswer) => void,
): ReplySender {
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

  return {
    reply(ownReply, firstWaiter) {
      for (let row = firstWaiter; row !== NO_WAITER; row = waiters.release(row)) replyTo(row, ownReply);
    },
    deliver(item) {
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
        onSent(item);
      }
    },
  };
}
