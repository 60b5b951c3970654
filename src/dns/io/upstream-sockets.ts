/**
 * The sockets that ask the upstreams: a few per upstream, connected (the kernel drops what comes from elsewhere), marked, on random
 * ports that the kernel gives to no client, and replaced after some thousands of queries.
 *
 * The workload can see and send on the same network, so a forger has to guess port, id and letter case at once; the
 * ruleset keeps packets "from" the upstream from being forged at all.
 */
import {
  BATCH,
  createSendBatch,
  sendBatchSize,
  type ReceiveBatch,
  type Region,
  type SendBatch,
} from "../../sys/datagrams.ts";
import type { Arena } from "../../sys/arena.ts";
import { SystemCallError } from "../../sys/errors.ts";
import type { OwnPorts } from "../../sys/local-ports.ts";
import { watchReadable, type Watch } from "../../sys/readiness.ts";
import { addressFamily, AF_INET, type Endpoint } from "../../sys/socket-address.ts";
import { closeSocket, openSocket, SOCK_DGRAM, type SocketMark } from "../../sys/socket.ts";
import { QUESTION_ROOM } from "../lookups.ts";
import type { RandomSource } from "../random.ts";
import type { UpstreamTransport } from "../upstream-transport.ts";
import { read16 } from "../wire/query.ts";
import { upstreamQueryOctets } from "../wire/upstream-query.ts";

const SOCKETS_PER_UPSTREAM = 4;
const QUERIES_PER_SOCKET = 8192;
const BIND_TRIES = 8;
const RECEIVE_BUFFER = 1 << 20;
const QUERY_ROOM = Math.ceil(upstreamQueryOctets(QUESTION_ROOM) / 8) * 8;
const IDS = 0x1_0000;

export interface UpstreamSocketOptions {
  readonly arena: Arena;
  readonly region: Region;
  readonly upstreams: readonly Endpoint[];
  readonly mark: SocketMark;
  readonly ports: OwnPorts;
  readonly random: RandomSource;
  /** Shared by all sockets: a pass reads from one at a time. */
  readonly receive: ReceiveBatch;
  /** How long a replaced socket still listens. */
  readonly lingerMs: number;
  readonly exchange: UpstreamTransport["exchange"];
  /** A datagram from an upstream, in `arena.octets[start, end)`. */
  readonly onAnswer: (attempt: number, upstream: number, start: number, end: number) => void;
  /** All that was there has been handed over. */
  readonly onPass: () => void;
}

export interface UpstreamSockets extends UpstreamTransport {
  close(): void;
}

interface OpenSocket {
  fd: number;
  serial: number;
  uses: number;
  watch: Watch;
  readonly upstream: number;
  readonly batch: SendBatch;
  readonly slots: number;
  queued: number;
}

/** Octets of arena taken for that many upstreams. */
export function upstreamSocketsSize(upstreams: number): number {
  return upstreams * SOCKETS_PER_UPSTREAM * (sendBatchSize() + BATCH * QUERY_ROOM + 16);
}

/** Opens the sockets. Throws SystemCallError where none of an upstream's can be opened for want of rights (EPERM). */
export function openUpstreamSockets(options: UpstreamSocketOptions): UpstreamSockets {
  const { arena, region, upstreams, receive, random } = options;
  const retired = new Set<() => void>();
  let serials = 0;
  const sockets = upstreams.map((_, upstream) =>
    Array.from({ length: SOCKETS_PER_UPSTREAM }, () => createSocket(upstream)),
  );
  let drawn: OpenSocket | undefined;
  const unsent = new Set<OpenSocket>();

  function createSocket(upstream: number): OpenSocket {
    const socket: OpenSocket = {
      fd: -1,
      serial: 0,
      uses: 0,
      watch: NO_WATCH,
      upstream,
      batch: createSendBatch(arena, region, -1),
      slots: region.take(BATCH * QUERY_ROOM),
      queued: 0,
    };
    reopen(socket);
    return socket;
  }

  /** Gives the socket a new descriptor and port. Where none can be had (no route yet, no descriptors left) it keeps what it has. */
  function reopen(socket: OpenSocket): void {
    const endpoint = upstreams[socket.upstream];
    const fd = endpoint === undefined ? -1 : openConnected(endpoint, options);
    if (fd < 0) return;
    retire(socket);
    const serial = ++serials;
    socket.fd = fd;
    socket.batch.fd = fd;
    socket.serial = serial;
    socket.uses = 0;
    socket.watch = watchReadable(fd, () => onReadable(fd, serial, socket.upstream));
  }

  function retire({ fd, watch }: OpenSocket): void {
    if (fd < 0) return;
    const close = (): void => {
      clearTimeout(timer);
      retired.delete(close);
      watch.close();
      closeSocket(fd);
    };
    const timer = setTimeout(close, options.lingerMs).unref();
    retired.add(close);
  }

  function onReadable(fd: number, serial: number, upstream: number): void {
    const count = receive.receive(fd);
    for (let i = 0; i < count; i++) {
      const start = receive.start(i);
      const length = receive.length(i);
      if (length < 2) continue;
      options.onAnswer(serial * IDS + read16(arena.octets, start), upstream, start, start + length);
    }
    options.onPass();
  }

  function flushSocket(socket: OpenSocket): void {
    socket.batch.flush();
    socket.queued = 0;
    if (socket.uses >= QUERIES_PER_SOCKET) reopen(socket);
  }

  return {
    count: upstreams.length,
    draw(upstream, isTaken) {
      const socket = sockets[upstream]?.[random.below(SOCKETS_PER_UPSTREAM)];
      drawn = socket;
      if (socket === undefined) return -1;
      if (socket.fd < 0) reopen(socket);
      if (socket.fd < 0) return -1;
      for (let tries = 0; tries < 16; tries++) {
        const attempt = socket.serial * IDS + random.word();
        if (!isTaken(attempt)) return attempt;
      }
      return -1;
    },
    reserve() {
      if (drawn === undefined) throw new RangeError("reserve before draw");
      if (drawn.queued === BATCH) flushSocket(drawn);
      return drawn.slots + drawn.queued * QUERY_ROOM;
    },
    send(at, length) {
      if (drawn === undefined) throw new RangeError("send before draw");
      drawn.batch.push(at, length, 0, 0);
      drawn.queued += 1;
      drawn.uses += 1;
      unsent.add(drawn);
    },
    flush() {
      if (unsent.size === 0) return;
      unsent.forEach(flushSocket);
      unsent.clear();
    },
    exchange: options.exchange,
    close() {
      for (const socket of sockets.flat()) retire(socket);
      for (const close of retired) close();
    },
  };
}

const NO_WATCH: Watch = { close: () => undefined, unref: () => undefined };

/** A connected, marked socket on a random port of our own; -1 where the world says no. Throws for want of rights. */
function openConnected(remote: Endpoint, { mark, ports, random }: UpstreamSocketOptions): number {
  const any = addressFamily(remote.address) === AF_INET ? "0.0.0.0" : "::";
  for (let tries = 0; tries <= BIND_TRIES; tries++) {
    const port = tries < BIND_TRIES && ports.count > 0 ? ports.port(random.below(ports.count)) : 0;
    try {
      return openSocket({
        type: SOCK_DGRAM,
        local: { address: any, port },
        remote,
        mark,
        receiveBuffer: RECEIVE_BUFFER,
      });
    } catch (error) {
      if (!(error instanceof SystemCallError) || error.code === "EPERM") throw error;
      if (error.code !== "EADDRINUSE" && error.code !== "EACCES") return -1;
    }
  }
  return -1;
}
