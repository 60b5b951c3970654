/** Answers to one connection: those of a pass are written together, each behind its length (RFC 7766 section 8). */
import type { Socket } from "node:net";
import type { Arena } from "../../sys/arena.ts";
import type { Client } from "../waiters.ts";

/** Answers of one pass, and of earlier ones that a client has left unread; past either the connection is cut. */
const MAX_QUEUED_OCTETS = 1 << 18;
const MAX_UNREAD_OCTETS = 1 << 16;
/** Room for the answers of a pass to begin with. */
const FIRST_ANSWERS_OCTETS = 1024;

/** A connection's queries that have no answer yet, and whether there will be more. */
export interface Talk {
  unanswered: number;
  isOver: boolean;
}

export interface TcpClientOptions {
  readonly arena: Arena;
  /** Room in the arena for one answer of 64 KiB. */
  readonly answerRoom: number;
  /** Something is queued: `write` is to be called once at the end of the pass. */
  readonly onQueued: (write: () => void) => void;
}

/** A connection as a client. What it is sent is queued, and written in one piece. */
export function createTcpClient(
  socket: Socket,
  talk: Talk,
  { arena, answerRoom, onQueued }: TcpClientOptions,
): Client {
  /** Answers with their lengths before them, up to `end`. */
  let queued: Buffer | undefined;
  let end = 0;

  function write(): void {
    const answers = queued?.subarray(0, end);
    queued = undefined;
    end = 0;
    if (answers === undefined || !socket.writable) return;
    socket.write(answers);
    if (talk.isOver && talk.unanswered === 0) socket.end();
  }
  function makeRoom(octets: number): Buffer {
    if (queued === undefined) {
      onQueued(write);
      queued = Buffer.allocUnsafe(Math.max(octets, FIRST_ANSWERS_OCTETS));
    } else if (end + octets > queued.length) {
      const larger = Buffer.allocUnsafe(Math.max(end + octets, 2 * queued.length));
      queued.copy(larger, 0, 0, end);
      queued = larger;
    }
    return queued;
  }
  return {
    isStream: true,
    reserve: () => answerRoom,
    send(start, length) {
      if (!socket.writable) return;
      if (socket.writableLength > MAX_UNREAD_OCTETS || end > MAX_QUEUED_OCTETS) {
        // By a reset, so that the kernel keeps nothing either.
        socket.resetAndDestroy();
        return;
      }
      const into = makeRoom(2 + length);
      end = into.writeUInt16BE(length, end);
      end += arena.octets.copy(into, end, start, start + length);
      talk.unanswered -= 1;
    },
  };
}
