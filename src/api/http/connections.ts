import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { cutOff } from "./cut-off.ts";
import type { IsLocalAddress } from "../auth/local-peer.ts";

/** Connections of a server, bounded so that no one's idle ones keep others out. */
export interface Connections {
  /** From now on a connection that has nothing to answer is closed. */
  closeIdle(): void;
}

/**
 * The workload can open connections without end, so it has a share of its own: `share` for peers of this namespace and `share` for
 * all others. In a full share the connection that has been idle longest goes to make room, so an honest caller, who sends its
 * request at once, is served even while a thousand others are held open. One whose request is being answered is never closed; when
 * all of a share are at that, the newcomer is. Whoever leaves an answer unread counts as idle, and is reset, so that the kernel keeps
 * none of it.
 */
export function boundConnections(server: Server, share: number, isLocal: IsLocalAddress): Connections {
  const local = createShare(share);
  const outside = createShare(share);
  let isClosing = false;
  server.on("connection", (socket: Socket) => {
    const owner = isLocal(socket.remoteAddress) ? local : outside;
    owner.add(socket);
    socket.once("close", () => owner.remove(socket));
  });
  const onRequest = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    const owner = local.has(socket) ? local : outside;
    owner.begin(socket);
    // The whole answer has been given to the socket; or there will be none, for the connection is gone.
    response.once("prefinish", () => owner.end(socket));
    response.once("close", () => {
      if (isClosing) socket.destroySoon();
    });
  };
  server.prependListener("request", onRequest);
  server.prependListener("checkContinue", onRequest);
  return {
    closeIdle() {
      isClosing = true;
      local.closeIdle();
      outside.closeIdle();
    },
  };
}

interface Share {
  add(socket: Socket): void;
  has(socket: Socket): boolean;
  /** A request of the connection is answered from now on, and no longer. */
  begin(socket: Socket): void;
  end(socket: Socket): void;
  remove(socket: Socket): void;
  closeIdle(): void;
}

function createShare(limit: number): Share {
  /** How many requests of each are being answered. */
  const all = new Map<Socket, number>();
  /** The longest idle first: a set keeps the order of adding. */
  const idle = new Set<Socket>();
  function makeRoom(newcomer: Socket): void {
    const [oldest = newcomer] = idle;
    cutOff(oldest);
    all.delete(oldest);
    idle.delete(oldest);
  }
  return {
    add(socket) {
      if (all.size >= limit) makeRoom(socket);
      if (socket.destroyed) return;
      all.set(socket, 0);
      idle.add(socket);
    },
    has: (socket) => all.has(socket),
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
    remove(socket) {
      all.delete(socket);
      idle.delete(socket);
    },
    closeIdle() {
      for (const socket of idle) socket.destroy();
    },
  };
}
