import type { Arena } from "../../sys/arena.ts";
import { EAGAIN } from "../../sys/libc.ts";
import type { ReceiveBatch } from "../../sys/receive-batch.ts";
import { Flag } from "../wire/constants.ts";
import { read16 } from "../wire/query.ts";
import { attemptKey } from "./attempt-keys.ts";

export interface ReadAnswersOptions {
  readonly arena: Arena;
  /** Shared by all sockets: a pass reads from one at a time. */
  readonly receive: ReceiveBatch;
  /** A datagram from an upstream, in `arena.octets[start, end)`. */
  readonly onAnswer: (attempt: number, upstream: number, start: number, end: number) => void;
  /** All that was there has been handed over. */
  readonly onPass: () => void;
}

/** An open socket that has asked an upstream. */
export interface AskingSocket {
  readonly fd: number;
  readonly serial: number;
  readonly upstream: number;
}

/** Reads what has come to a socket; returns how many datagrams. */
export type ReadAnswers = (socket: AskingSocket) => number;

export function createReadAnswers({ arena, receive, onAnswer, onPass }: ReadAnswersOptions): ReadAnswers {
  /**
   * An answer that is longer than we said we take counts as cut by its sender: it is asked for over TCP.
   * Returns what is there of it.
   */
  function markTruncated(start: number): number {
    arena.octets[start + 2] = (arena.octets[start + 2] ?? 0) | Flag.tc;
    return receive.slot;
  }

  return ({ fd, serial, upstream }) => {
    const first = receive.receive(fd);
    // An error comes before the datagrams that wait behind it.
    const count = Math.max(first < 0 && first !== -EAGAIN ? receive.receive(fd) : first, 0);
    for (let i = 0; i < count; i++) {
      const start = receive.start(i);
      const length = receive.isCut(i) ? markTruncated(start) : receive.length(i);
      if (length < 2) continue;
      const attempt = attemptKey(serial, read16(arena.octets, start));
      onAnswer(attempt, upstream, start, start + length);
    }
    if (count > 0) onPass();
    return count;
  };
}
