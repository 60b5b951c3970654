/**
 * Which connections of clients are read. There are {@link MAX_PLACES}; while each of them waits for an
 * answer, newcomers wait too, unread and at the cost of a descriptor, in the order of their coming. Idle ones
 * make room: the one that has been idle longest goes.
 */
import type { Socket } from "node:net";
import type { Talk } from "./tcp-client.ts";

const MAX_PLACES = 128;
const MAX_WAITING = 512;
/** A connection that has asked nothing yet counts as idle after this time: its question may be on the way. */
const FRESH_MS = 200;
const LOOK_MS = 50;
/** A newcomer that has waited so long is let go: no client waits longer for a first answer. */
const WAIT_MS = 10_000;

export interface Place {
  readonly socket: Socket;
  readonly talk: Talk;
}

export interface TcpPlaces {
  /** Takes a new connection, which is paused. */
  enter(socket: Socket): void;
  /** Something has come on it. */
  renew(place: Place): void;
  /** It has closed. */
  leave(place: Place): void;
  /** Gives places that have become idle to those that wait. Call it when answers have been written. */
  refill(): void;
  taken(): Iterable<Place>;
  /** Lets those go that wait for a place. */
  close(): void;
}

/** `serve` gets each connection that has a place. */
export function createTcpPlaces(
  serve: (place: Place) => void,
  nowMs: () => number = () => performance.now(),
): TcpPlaces {
  /** When each was let in; the one that has been quiet longest comes first. */
  const taken = new Map<Place, number>();
  const waiting = createWaitingRoom();
  let soon: NodeJS.Timeout | undefined;

  /**
   * Whether there is a place now, if need be that of an idle one. One that has had answers may still have to
   * read them.
   */
  function makeRoom(areSilentIdle: boolean): boolean {
    if (taken.size < MAX_PLACES) return true;
    for (const [place, sinceMs] of taken) {
      if (!isIdle(place, areSilentIdle ? nowMs() - sinceMs : 0)) continue;
      taken.delete(place);
      if (place.socket.bytesWritten > 0) place.socket.destroy();
      else place.socket.resetAndDestroy();
      return true;
    }
    return false;
  }

  function seat(socket: Socket): void {
    const place = { socket, talk: { unanswered: 0, isOver: false } };
    taken.set(place, nowMs());
    serve(place);
  }

  /**
   * Looks for those that are connected and silent: once all that has come has been read, which is what an
   * immediate is for. Earlier, on a busy machine, a question that waits to be read would look like silence.
   */
  function lookSoon(): void {
    soon ??= setTimeout(() => {
      setImmediate(() => {
        soon = undefined;
        fill(true);
        if (waiting.size() > 0) lookSoon();
      });
    }, LOOK_MS).unref();
  }

  function fill(areSilentIdle: boolean): void {
    while (waiting.size() > 0 && makeRoom(areSilentIdle)) {
      const socket = waiting.take();
      if (socket !== undefined) seat(socket);
    }
  }

  return {
    enter(socket) {
      if (waiting.size() === 0 && makeRoom(false)) seat(socket);
      else if (waiting.enter(socket)) lookSoon();
    },
    renew(place) {
      const sinceMs = taken.get(place);
      if (sinceMs === undefined) return;
      taken.delete(place);
      taken.set(place, sinceMs);
    },
    leave(place) {
      if (taken.delete(place)) fill(false);
    },
    refill: () => fill(false),
    taken: () => taken.keys(),
    close() {
      clearTimeout(soon);
      waiting.close();
    },
  };
}

function isIdle({ socket, talk }: Place, forMs: number): boolean {
  if (talk.unanswered > 0 || socket.writableLength > 0) return false;
  return socket.bytesRead > 0 || forMs >= FRESH_MS;
}

interface WaitingRoom {
  /** False if it is full: then the connection is reset. */
  enter(socket: Socket): boolean;
  /** The one that has waited longest. */
  take(): Socket | undefined;
  size(): number;
  close(): void;
}

function createWaitingRoom(): WaitingRoom {
  const sockets = new Set<Socket>();
  return {
    enter(socket) {
      if (sockets.size >= MAX_WAITING) {
        socket.resetAndDestroy();
        return false;
      }
      sockets.add(socket);
      socket.setTimeout(WAIT_MS, () => socket.destroy());
      // A reset by the client is its own business; "close" follows.
      socket.on("error", () => socket.destroy());
      socket.on("close", () => sockets.delete(socket));
      return true;
    },
    take() {
      const [socket] = sockets;
      if (socket !== undefined) sockets.delete(socket);
      return socket;
    },
    size: () => sockets.size,
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
