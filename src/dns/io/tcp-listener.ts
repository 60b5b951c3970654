/** Lookups over TCP (RFC 7766): pipelined, answered out of order, with a deadline for the idle and for those that drip. */
import { createServer, type Server, type Socket } from "node:net";
import type { Arena } from "../../sys/arena.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import type { Client } from "../waiters.ts";
import { createFrameReader, frameMessage } from "./tcp-framing.ts";

const MAX_CONNECTIONS = 256;
/** A connection that brings nothing is closed after this time, and so is one that has not finished a message. */
const IDLE_MS = 10_000;
/** No query of a client's needs more. */
const MAX_QUERY_OCTETS = 4096;
/** Answers that a client leaves unread; past it the connection is cut. */
const MAX_UNREAD_OCTETS = 1 << 20;

export interface TcpListenerOptions {
  readonly arena: Arena;
  /** Room in the arena for one query, and for one answer of 64 KiB. */
  readonly queryRoom: number;
  readonly answerRoom: number;
  /** A query stands in `arena.octets[start, end)`, and may be overwritten. */
  readonly onQuery: (start: number, end: number, client: Client) => void;
}

export interface TcpListener {
  close(): Promise<void>;
}

/** Octets of arena for one query and the reply of ours that may be written over it. */
export const TCP_QUERY_ROOM = MAX_QUERY_OCTETS + 128;
export const TCP_ANSWER_ROOM = 65_536;

/** Binds; rejects with Node's error (`code` EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT). */
export async function openTcpListener(local: Endpoint, options: TcpListenerOptions): Promise<TcpListener> {
  const connections = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => serve(socket, connections, options));
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, local);
  server.on("error", ignoreAcceptErrors);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of connections) socket.destroy();
      }),
  };
}

function listen(server: Server, { address, port }: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: address, port, exclusive: true, ipv6Only: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function serve(socket: Socket, connections: Set<Socket>, options: TcpListenerOptions): void {
  const { arena, queryRoom } = options;
  connections.add(socket);
  const client = createTcpClient(socket, options);
  const reader = createFrameReader((message) => {
    message.copy(arena.octets, queryRoom);
    options.onQuery(queryRoom, queryRoom + message.length, client);
  }, MAX_QUERY_OCTETS);
  let messageDeadline: NodeJS.Timeout | undefined;

  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    if (!reader.push(chunk)) socket.destroy();
    if (!reader.isInside) {
      clearTimeout(messageDeadline);
      messageDeadline = undefined;
    } else {
      messageDeadline ??= setTimeout(() => socket.destroy(), IDLE_MS).unref();
    }
  });
  // A reset by the client is its own business; "close" follows.
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    clearTimeout(messageDeadline);
    connections.delete(socket);
  });
}

function createTcpClient(socket: Socket, { arena, answerRoom }: TcpListenerOptions): Client {
  return {
    isStream: true,
    reserve: () => answerRoom,
    send(start, length) {
      if (socket.destroyed) return;
      if (socket.writableLength > MAX_UNREAD_OCTETS) socket.destroy();
      else socket.write(frameMessage(arena.octets.subarray(start, start + length)));
    },
  };
}

/** An accept that fails (no descriptors left) costs that one connection; the listener goes on. */
function ignoreAcceptErrors(): void {
  // Node keeps listening by itself.
}
