/**
 * One connection to an upstream that questions are asked over, several at once (RFC 7766 section 6.2.1.1).
 */
import { Socket } from "node:net";
import { untilWritable } from "../../sys/readiness.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import { closeSocket, SOCK_STREAM, takeSocketError } from "../../sys/socket.ts";
import { read16, write16 } from "../wire/query.ts";
import { openOwnSocket, type OwnSocketOptions } from "./own-socket.ts";
import { createFrameReader, frameMessage } from "./tcp-framing.ts";

/** A question that waits for its answer. */
export interface Asking {
  readonly query: Buffer;
  readonly group: number;
  /** Whether its answer is still wanted: asked before it is sent. */
  readonly isWanted: () => boolean;
  /** Settles it, the first time. */
  readonly settle: (answer: Buffer | undefined) => void;
  /** How often it has been sent. */
  tries: number;
  sentMs: number;
}

export interface TcpConnectionOptions {
  readonly remote: Endpoint;
  readonly own: OwnSocketOptions;
  /** Ends a connection that is no longer needed. */
  readonly hangUp: (socket: Socket) => void;
  readonly onAnswer: (connection: TcpConnection, asking: Asking, answer: Buffer) => void;
  /** It is over; `lost` have no answer. `wasOpen` is false if the upstream could not be connected to. */
  readonly onEnd: (connection: TcpConnection, lost: readonly Asking[], wasOpen: boolean) => void;
}

export interface TcpConnection {
  /** For whom it is in use. */
  group: number;
  /** Answers that have come since it was last idle: a server may close it at any moment before the first. */
  answers: number;
  /** When the last one came. */
  answeredMs: number;
  /** A question on it was never answered, so what comes behind it may not be either. */
  isStuck: boolean;
  waiting(): number;
  /** Whether a question was sent before this one and still waits. */
  hasOlder(asking: Asking): boolean;
  send(asking: Asking): void;
  /** Gives the question up; returns whether it was asked here. */
  forget(asking: Asking): boolean;
  /** Whether it keeps the process alive. */
  hold(isNeeded: boolean): void;
  end(): void;
}

/** Begins to connect. Throws SystemCallError if there is no way or no descriptor. */
export function openTcpConnection(options: TcpConnectionOptions): TcpConnection {
  const { own } = options;
  const fd = openOwnSocket(options.remote, own, { type: SOCK_STREAM });
  const connecting = new AbortController();
  const pending = createPending(own.random.word);
  let socket: Socket | undefined;
  let hasEnded = false;

  function onEnd(wasOpen: boolean): void {
    if (hasEnded) return;
    hasEnded = true;
    options.onEnd(connection, pending.takeAll(), wasOpen);
  }

  async function connect(): Promise<void> {
    try {
      await untilWritable(fd, connecting.signal);
      if (takeSocketError(fd) !== 0) throw new Error("the upstream refused the connection");
    } catch {
      // Refused, unreachable or no longer needed: all of them mean that no answer comes by it.
      closeSocket(fd);
      onEnd(false);
      return;
    }
    const opened = new Socket({ fd });
    socket = opened;
    const reader = createFrameReader(receive);
    opened.on("data", (chunk: Buffer) => reader.push(chunk));
    // "close" follows.
    opened.on("error", () => opened.destroy());
    opened.on("end", () => onEnd(true));
    opened.on("close", () => onEnd(true));
    for (const [id, asking] of pending.entries()) write(opened, id, asking);
  }

  function receive(octets: Buffer, start: number, end: number): void {
    if (end - start < 2) return;
    const asking = pending.take(read16(octets, start));
    if (asking === undefined) return;
    const answer = Buffer.from(octets.subarray(start, end));
    write16(answer, 0, read16(asking.query, 0));
    options.onAnswer(connection, asking, answer);
  }

  const connection: TcpConnection = {
    group: 0,
    answers: 0,
    answeredMs: 0,
    isStuck: false,
    waiting: pending.size,
    hasOlder: pending.hasOlder,
    forget: pending.forget,
    send(asking) {
      const id = pending.add(asking);
      if (socket !== undefined) write(socket, id, asking);
    },
    hold: (isNeeded) => void (isNeeded ? socket?.ref() : socket?.unref()),
    end() {
      if (socket === undefined) connecting.abort();
      else options.hangUp(socket);
      onEnd(true);
    },
  };
  void connect();
  return connection;
}

/** Under an id of its own: two questions of one connection may not share one. */
function write(socket: Socket, id: number, { query }: Asking): void {
  const framed = frameMessage(query);
  write16(framed, 2, id);
  socket.write(framed);
}

interface Pending {
  /** Notes the question under an id that no other has now, and returns it. */
  add(asking: Asking): number;
  take(id: number): Asking | undefined;
  takeAll(): readonly Asking[];
  forget(asking: Asking): boolean;
  hasOlder(asking: Asking): boolean;
  entries(): Iterable<[number, Asking]>;
  size(): number;
}

function createPending(drawId: () => number): Pending {
  const askings = new Map<number, Asking>();
  return {
    add(asking) {
      let id = drawId();
      while (askings.has(id)) id = drawId();
      askings.set(id, asking);
      return id;
    },
    take(id) {
      const asking = askings.get(id);
      askings.delete(id);
      return asking;
    },
    takeAll() {
      const all = [...askings.values()];
      askings.clear();
      return all;
    },
    forget(asking) {
      for (const [id, other] of askings) if (other === asking) return askings.delete(id);
      return false;
    },
    hasOlder(asking) {
      for (const other of askings.values()) if (other.sentMs < asking.sentMs) return true;
      return false;
    },
    entries: () => askings,
    size: () => askings.size,
  };
}
