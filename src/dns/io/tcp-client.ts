/**
 * Answers to one connection: those of a pass are written together, each behind its length (RFC 7766 section
 * 8).
 */
import type { Socket } from "node:net";
import type { Arena } from "../../sys/arena.ts";
import type { Client } from "../delivery/waiters.ts";

/**
 * Answers of one pass, and of earlier ones that a client has left unread; past either the connection is cut.
 */
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
  readonly gathering: GatheringRoom;
  /** Something is queued: `write` is to be called once at the end of the pass. */
  readonly onQueued: (write: () => void) => void;
}

/**
 * Memory in which the answers of a pass gather, used again: who reads nothing and is cut leaves nothing to
 * collect.
 */
export interface GatheringRoom {
  take(octets: number): Buffer;
  release(room: Buffer): void;
}

/** Keeps the largest that it was given back. */
export function createGatheringRoom(): GatheringRoom {
  let spare: Buffer | undefined;
  return {
    take(octets) {
      const room = spare;
      if (room === undefined || room.length < octets)
        return Buffer.allocUnsafe(Math.max(octets, FIRST_ANSWERS_OCTETS));
      spare = undefined;
      return room;
    },
    release(room) {
      if (spare === undefined || spare.length < room.length) spare = room;
    },
  };
}

/** A connection as a client. What it is sent is queued, and written in one piece. */
export function createTcpClient(
  socket: Socket,
  talk: Talk,
  { arena, answerRoom, gathering, onQueued }: TcpClientOptions,
): Client {
  /** Answers with their lengths before them, up to `end`. */
  let queued: Buffer | undefined;
  let end = 0;

  function write(): void {
    if (queued === undefined) return;
    const answers = socket.writable ? Buffer.from(queued.subarray(0, end)) : undefined;
    gathering.release(queued);
    queued = undefined;
    end = 0;
    if (answers === undefined) return;
    socket.write(answers);
    if (talk.isOver && talk.unanswered === 0) socket.end();
  }
  function makeRoom(octets: number): Buffer {
    if (queued === undefined) {
      onQueued(write);
      queued = gathering.take(octets);
    } else if (end + octets > queued.length) {
      const larger = gathering.take(Math.max(end + octets, 2 * queued.length));
      queued.copy(larger, 0, 0, end);
      gathering.release(queued);
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
