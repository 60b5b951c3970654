import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { cutOff } from "./cut-off.ts";

/** Connections of a server, bounded so that no one's idle ones keep others out. */
export interface Connections {
  /**
   * The connection may give way from now on, though it has a request to answer: it counts as idle since this
   * call.
   */
  rest(socket: Socket): void;
  /** It may not, until its request is answered. */
  work(socket: Socket): void;
  /** From now on a connection that has nothing to answer is closed. */
  closeIdle(): void;
}

/**
 * At most `share` connections: the workload can open them without end. Where all are taken the one that has
 * been idle longest goes to make room, so an honest caller, who sends its request at once, is served even
 * while a thousand others are held open: what a newcomer has sent is read before anybody is closed for it.
 * One whose request is being answered is never closed; when all are at that, the newcomer is. A caller that
 * leaves an answer unread, or sends a body before it has proved who it is, counts as idle. What is closed is
 * reset,
 * so that the kernel keeps none of it.
 *
 * Answers that nobody reads take {@link UNREAD_OCTETS} of memory in all: past that, too, the longest idle of
 * those who leave one goes, but for the last to be answered.
 */
export function boundConnections(server: Server, share: number): Connections {
  const connections = createShare(share);
  let isClosing = false;
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.remove(socket));
  });
  const onRequest = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    connections.begin(socket);
    // The whole answer has been given to the socket; or there will be none, for the connection is gone.
    response.once("prefinish", () => {
      connections.end(socket);
      connections.boundUnread(socket);
    });
    response.once("close", () => {
      if (isClosing) socket.destroySoon();
    });
  };
  server.prependListener("request", onRequest);
  server.prependListener("checkContinue", onRequest);
  return {
    rest: connections.rest,
    work: connections.work,
    closeIdle() {
      isClosing = true;
      connections.closeIdle();
    },
  };
}

const UNREAD_OCTETS = 8 << 20;

interface Share {
  add(socket: Socket): void;
  /** A request of the connection is answered from now on, and no longer. */
  begin(socket: Socket): void;
  end(socket: Socket): void;
  rest(socket: Socket): void;
  work(socket: Socket): void;
  remove(socket: Socket): void;
  /** Answers wait for those who are to read them; `last` is the last who got one. */
  boundUnread(last: Socket): void;
  closeIdle(): void;
}

function createShare(limit: number): Share {
  /** How many requests of each are being answered. */
  const all = new Map<Socket, number>();
  /** The longest idle first: a set keeps the order of adding. */
  const idle = new Set<Socket>();
  /** This turn's, of whom nothing has been read yet. */
  let newcomers: Socket[] = [];
  function settleSoon(): void {
    const settled = newcomers;
    newcomers = [];
    // After what Node reads in the next turn.
    setImmediate(() => settle(settled));
  }
  function settle(settled: readonly Socket[]): void {
    for (const socket of settled) if (all.get(socket) === 0) idle.add(socket);
    for (const socket of [...idle, ...settled.toReversed()]) {
      if (all.size <= limit) return;
      drop(socket);
    }
  }
  function drop(socket: Socket): void {
    if (!all.delete(socket)) return;
    idle.delete(socket);
    cutOff(socket);
  }
  return {
    add(socket) {
      all.set(socket, 0);
      if (newcomers.push(socket) === 1) setImmediate(settleSoon);
    },
    begin(socket) {
      const before = all.get(socket);
      if (before === undefined) return;
      all.set(socket, before + 1);
      idle.delete(socket);
    },
    end(socket) {
      const before = all.get(socket);
      if (before === undefined) return;
      all.set(socket, before - 1);
      if (before === 1) idle.add(socket);
    },
    rest(socket) {
      if (!all.has(socket)) return;
      idle.delete(socket);
      idle.add(socket);
    },
    work: (socket) => void idle.delete(socket),
    remove(socket) {
      all.delete(socket);
      idle.delete(socket);
    },
    boundUnread(last) {
      for (const socket of listTooMany([...all.keys()], [...idle], last)) drop(socket);
    },
    closeIdle() {
      for (const [socket, requests] of all) if (requests === 0 || idle.has(socket)) socket.destroy();
    },
  };
}

/** Of the idle, but for `last`, those that have to go for what waits unread to fit. */
function listTooMany(all: readonly Socket[], idle: readonly Socket[], last: Socket): readonly Socket[] {
  let unread = all.reduce((sum, { writableLength }) => sum + writableLength, 0);
  return idle.filter((socket) => {
    if (unread <= UNREAD_OCTETS || socket === last || socket.writableLength === 0) return false;
    unread -= socket.writableLength;
    return true;
  });
}
