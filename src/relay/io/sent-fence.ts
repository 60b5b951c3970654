/**
 * Says when what waits for a client of HTTP/2 has gone to its socket. While an earlier write is under way
 * nghttp2 keeps what is to follow, and that of streams that the client has reset as well: one that does not
 * read its connection would fill the memory with answers' heads.
 */
import type { Http2Session } from "node:http2";
import type { Socket } from "node:net";

export interface SentFence {
  /** Calls it once all that waits now has gone: at once if nothing does. */
  behind(gone: () => void): void;
  /** It is not to be asked any more; what is behind it stays there. */
  close(): void;
}

interface Waiting {
  /** What the socket had been given by then. */
  readonly written: number;
  readonly gone: () => void;
}

const SENT_LOOK_MS = 1000;

export function createSentFence(session: Http2Session, socket: Socket): SentFence {
  let waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | undefined;

  /** A write takes all that waits, and is begun once the one before has ended. */
  function look(): void {
    const isEmpty = isNothingQueued();
    const now = socket.bytesWritten;
    const before = waiting;
    waiting = [];
    for (const one of before) {
      if (isEmpty || one.written !== now) one.gone();
      else waiting.push(one);
    }
    if (waiting.length > 0) timer ??= setInterval(look, SENT_LOOK_MS).unref();
    else stop();
  }

  function isNothingQueued(): boolean {
    return session.destroyed || (session.state.outboundQueueSize ?? 0) === 0;
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    behind(gone) {
      waiting.push({ written: socket.bytesWritten, gone });
      look();
    },
    close() {
      waiting = [];
      stop();
    },
  };
}
