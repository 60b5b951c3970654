import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { IsLocalAddress } from "./local-peer.ts";

/** Connections of a server, bounded so that no one's idle ones keep others out. */
export interface Connections {
  /** From now on a connection that has nothing to answer is closed. */
  closeIdle(): void;
}

/**
 * The workload can open connections without end, so it has a share of its own: `share` for peers of this namespace and `share` for
 * all others. In a full share the connection that has been idle longest goes to make room, so an honest caller, who sends its
 * request at once, is served even while a thousand others are held open. One whose request has been read is never closed; when
 * all of a share are at that, the newcomer is.
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
    owner.setBusy(socket);
    response.once("close", () => {
      owner.setIdle(socket);
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
  setBusy(socket: Socket): void;
  setIdle(socket: Socket): void;
  remove(socket: Socket): void;
  closeIdle(): void;
}

function createShare(limit: number): Share {
  const all = new Set<Socket>();
  /** The longest idle first: a set keeps the order of adding. */
  const idle = new Set<Socket>();
  function makeRoom(newcomer: Socket): void {
    const [oldest = newcomer] = idle;
    oldest.destroy();
    all.delete(oldest);
    idle.delete(oldest);
  }
  return {
    add(socket) {
      if (all.size >= limit) makeRoom(socket);
      if (socket.destroyed) return;
      all.add(socket);
      idle.add(socket);
    },
    has: (socket) => all.has(socket),
    setBusy: (socket) => void idle.delete(socket),
    setIdle(socket) {
      if (all.has(socket) && !socket.destroyed) idle.add(socket);
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
