/**
 * The sockets that ask the upstreams: a few per upstream, connected (the kernel drops what comes from elsewhere), marked, on random
 * ports that the kernel gives to no client, drawn anew for each pass, and replaced after some thousands of queries.
 *
 * The workload can see and send on the same network, so a forger has to guess port, id and letter case at once; the
 * ruleset keeps packets "from" the upstream from being forged at all.
 */
import { BATCH } from "../../sys/message-header.ts";
import type { ReceiveBatch } from "../../sys/receive-batch.ts";
import type { Region } from "../../sys/region.ts";
import { createSendBatch, sendBatchSize, type SendBatch } from "../../sys/send-batch.ts";
import type { Arena } from "../../sys/arena.ts";
import { SystemCallError } from "../../sys/errors.ts";
import { watchReadable, type Watch } from "../../sys/readiness.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import { closeSocket, SOCK_DGRAM } from "../../sys/socket.ts";
import { QUESTION_ROOM } from "../upstream/lookups.ts";
import type { UpstreamTransport } from "../upstream/transport.ts";
import { read16 } from "../wire/query.ts";
import { upstreamQueryOctets } from "../wire/upstream-query.ts";
import { attemptKey, serialOf } from "./attempt-keys.ts";
import { openOwnSocket, type OwnSocketOptions } from "./own-socket.ts";

export const SOCKETS_PER_UPSTREAM = 4;
const QUERIES_PER_SOCKET = 8192;
/** Replaced sockets that still listen; while there are as many, none is replaced. */
export const MAX_RETIRED = 64;
const RECEIVE_BUFFER = 1 << 20;
const QUERY_ROOM = Math.ceil(upstreamQueryOctets(QUESTION_ROOM) / 8) * 8;

export interface UpstreamSocketOptions extends OwnSocketOptions {
  readonly arena: Arena;
  readonly region: Region;
  readonly upstreams: readonly Endpoint[];
  /** Shared by all sockets: a pass reads from one at a time. */
  readonly receive: ReceiveBatch;
  /** How long a replaced socket still listens. */
  readonly lingerMs: number;
  readonly exchange: UpstreamTransport["exchange"];
  /** A datagram from an upstream, in `arena.octets[start, end)`. */
  readonly onAnswer: (attempt: number, upstream: number, start: number, end: number) => void;
  /** All that was there has been handed over. */
  readonly onPass: () => void;
  /** The event loop has had a socket read, and its pass has ended: so many datagrams. */
  readonly onRead: (count: number) => void;
}

export interface UpstreamSockets extends UpstreamTransport {
  /** Queries that the kernel would not take. */
  dropped(): number;
  /** Reads the socket that queries went out by last, before the event loop says so; returns how many datagrams. */
  read(): number;
  /** Nothing is sent any more; may be called while lookups are under way. */
  close(): void;
}

interface OpenSocket {
  fd: number;
  /** Its number among all sockets, and how often it has been opened. */
  readonly place: number;
  openings: number;
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
  let places = 0;
  /** Whether all have been opened once: from then on nothing is thrown, for lookups are under way. */
  let isOpen = false;
  let isClosed = false;
  const sockets: OpenSocket[][] = upstreams.map(() => []);
  let drawn: OpenSocket | undefined;
  /** The one that a query went out by last. */
  let asked: OpenSocket | undefined;
  /** Sockets with queries that are queued. */
  const unsent: OpenSocket[] = [];
  /** The socket of each upstream for this pass: what goes out together shares a system call, and what comes back another. */
  const turns: (OpenSocket | undefined)[] = [];

  function turnOf(upstream: number): OpenSocket | undefined {
    turns[upstream] ??= sockets[upstream]?.[random.below(SOCKETS_PER_UPSTREAM)];
    return turns[upstream];
  }

  function openAll(): void {
    try {
      for (const [upstream, group] of sockets.entries()) {
        while (group.length < SOCKETS_PER_UPSTREAM) group.push(createSocket(upstream));
      }
      isOpen = true;
    } catch (error) {
      close();
      throw error;
    }
  }

  function createSocket(upstream: number): OpenSocket {
    const socket: OpenSocket = {
      fd: -1,
      place: places++,
      openings: 0,
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
    if (endpoint === undefined || isClosed) return;
    let fd: number;
    try {
      fd = openOwnSocket(endpoint, options, { type: SOCK_DGRAM, receiveBuffer: RECEIVE_BUFFER });
    } catch (error) {
      if (isOpen || mayPass(error)) return;
      throw error;
    }
    retire(socket);
    const serial = serialOf(socket.place, socket.openings++);
    socket.fd = fd;
    socket.batch.fd = fd;
    socket.serial = serial;
    socket.uses = 0;
    const opened = { fd, serial, upstream: socket.upstream };
    socket.watch = watchReadable(fd, () => {
      options.onRead(readSocket(opened));
    });
  }

  function retire({ fd, watch }: OpenSocket): void {
    if (fd < 0) return;
    const end = (): void => {
      clearTimeout(timer);
      retired.delete(end);
      watch.close();
      closeSocket(fd);
    };
    const timer = setTimeout(end, options.lingerMs).unref();
    retired.add(end);
  }

  function readSocket({ fd, serial, upstream }: Pick<OpenSocket, "fd" | "serial" | "upstream">): number {
    const count = Math.max(receive.receive(fd), 0);
    for (let i = 0; i < count; i++) {
      const start = receive.start(i);
      const length = receive.length(i);
      if (length < 2) continue;
      const attempt = attemptKey(serial, read16(arena.octets, start));
      options.onAnswer(attempt, upstream, start, start + length);
    }
    if (count > 0) options.onPass();
    return count;
  }

  function flushSocket(socket: OpenSocket): void {
    socket.batch.flush();
    socket.queued = 0;
  }

  /** Only where nothing is queued: what has been drawn goes by the socket's serial. */
  function replaceWorn(socket: OpenSocket): void {
    if (socket.uses >= QUERIES_PER_SOCKET && retired.size < MAX_RETIRED) reopen(socket);
  }

  function close(): void {
    isClosed = true;
    for (const socket of sockets.flat()) {
      retire(socket);
      socket.fd = -1;
      socket.batch.fd = -1;
    }
    for (const end of retired) end();
  }

  openAll();
  return {
    count: upstreams.length,
    draw(upstream, isTaken) {
      const socket = turnOf(upstream);
      drawn = socket;
      if (socket === undefined) return -1;
      if (socket.fd < 0) reopen(socket);
      if (socket.fd < 0) return -1;
      for (let tries = 0; tries < 16; tries++) {
        const attempt = attemptKey(socket.serial, random.word());
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
      if (!unsent.includes(drawn)) unsent.push(drawn);
      drawn.queued += 1;
      drawn.uses += 1;
    },
    flush() {
      for (const socket of unsent) {
        asked = socket;
        flushSocket(socket);
        replaceWorn(socket);
      }
      unsent.length = 0;
      turns.length = 0;
    },
    read: () => (asked === undefined || asked.fd < 0 ? 0 : readSocket(asked)),
    exchange: options.exchange,
    close,
    dropped() {
      return sockets.flat().reduce((sum, { batch }) => sum + batch.dropped(), 0);
    },
  };
}

const NO_WATCH: Watch = { close: () => undefined, unref: () => undefined };

/** What may pass by itself: no route yet, no descriptors or memory left, a port range used up. Want of rights does not. */
function mayPass(error: unknown): boolean {
  return error instanceof SystemCallError && error.code !== "EPERM";
}
