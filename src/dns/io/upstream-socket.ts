/**
 * The life of one socket that asks an upstream: opened on a random port that the kernel gives to no client,
 * read, replaced once it has sent some thousands of queries, and listened to for a while after.
 */
import type { Arena } from "../../sys/arena.ts";
import { SystemCallError } from "../../sys/errors.ts";
import { EAGAIN } from "../../sys/libc.ts";
import { BATCH } from "../../sys/message-header.ts";
import { watchReadable, type Watch } from "../../sys/readiness.ts";
import type { ReceiveBatch } from "../../sys/receive-batch.ts";
import type { Region } from "../../sys/region.ts";
import { createSendBatch, sendBatchSize, type SendBatch } from "../../sys/send-batch.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import { closeSocket, SOCK_DGRAM } from "../../sys/socket.ts";
import { QUESTION_ROOM } from "../upstream/lookups.ts";
import { Flag } from "../wire/constants.ts";
import { read16 } from "../wire/query.ts";
import { upstreamQueryOctets } from "../wire/upstream-query.ts";
import { attemptKey, serialOf } from "./attempt-keys.ts";
import { openOwnSocket, type OwnSocketOptions } from "./own-socket.ts";

const QUERIES_PER_SOCKET = 8192;
/** Replaced sockets that still listen; while there are as many, none is replaced. */
export const MAX_RETIRED = 64;
const RECEIVE_BUFFER = 1 << 20;
export const QUERY_ROOM = Math.ceil(upstreamQueryOctets(QUESTION_ROOM) / 8) * 8;

export interface UpstreamSocketOptions extends OwnSocketOptions {
  readonly arena: Arena;
  readonly region: Region;
  readonly upstreams: readonly Endpoint[];
  /** Shared by all sockets: a pass reads from one at a time. */
  readonly receive: ReceiveBatch;
  /** How long a replaced socket still listens. */
  readonly lingerMs: number;
  /** A datagram from an upstream, in `arena.octets[start, end)`. */
  readonly onAnswer: (attempt: number, upstream: number, start: number, end: number) => void;
  /** All that was there has been handed over. */
  readonly onPass: () => void;
  /** The event loop has had a socket read, and its pass has ended: so many datagrams. */
  readonly onRead: (count: number) => void;
}

export interface UpstreamSocket {
  /** -1 while none can be had. */
  fd: number;
  /** Its number among all sockets, and how often it has been opened. */
  readonly place: number;
  openings: number;
  serial: number;
  uses: number;
  /** Queries that the kernel had refused when it was looked at last. */
  dropped: number;
  watch: Watch;
  readonly upstream: number;
  readonly batch: SendBatch;
  readonly slots: number;
  queued: number;
}

export interface SocketKeeper {
  /** The first opening of a place. Throws SystemCallError for want of rights (EPERM). */
  create(place: number, upstream: number): UpstreamSocket;
  /**
   * Gives the socket a new descriptor and port. If none can be had (no route yet, no descriptors left) it
   * keeps what it has.
   */
  reopen(socket: UpstreamSocket): void;
  /**
   * Replaces a socket that has sent enough, or whose queries the kernel refuses: its interface may have gone
   * and come again. Call it while nothing is queued: what has been drawn goes by the socket's serial.
   */
  replaceWorn(socket: UpstreamSocket): void;
  /** Reads what is there; returns how many datagrams. */
  read(socket: Pick<UpstreamSocket, "fd" | "serial" | "upstream">): number;
  /**
   * Why answers were not read since the last look; to be asked about once a second. They are from then on, if
   * a socket can be had.
   */
  fault(socket: UpstreamSocket): string | undefined;
  /** Closes these and those that they have replaced; none is opened any more. */
  close(sockets: readonly UpstreamSocket[]): void;
}

/** Octets of arena that one socket takes. */
export function upstreamSocketSize(): number {
  return sendBatchSize() + BATCH * QUERY_ROOM + 16;
}

export function createSocketKeeper(options: UpstreamSocketOptions): SocketKeeper {
  const { arena, region, upstreams, receive } = options;
  const retired = new Set<() => void>();
  let isClosed = false;

  function create(place: number, upstream: number): UpstreamSocket {
    const socket: UpstreamSocket = {
      fd: -1,
      place,
      openings: 0,
      serial: 0,
      uses: 0,
      dropped: 0,
      watch: NO_WATCH,
      upstream,
      batch: createSendBatch(arena, region, -1),
      slots: region.take(BATCH * QUERY_ROOM),
      queued: 0,
    };
    open(socket, mayPass);
    return socket;
  }

  function open(socket: UpstreamSocket, isTolerated: (error: unknown) => boolean): void {
    const endpoint = upstreams[socket.upstream];
    if (endpoint === undefined || isClosed) return;
    let fd: number;
    try {
      fd = openOwnSocket(endpoint, options, { type: SOCK_DGRAM, receiveBuffer: RECEIVE_BUFFER });
    } catch (error) {
      if (isTolerated(error)) return;
      throw error;
    }
    retire(socket);
    const serial = serialOf(socket.place, socket.openings++);
    socket.fd = fd;
    socket.batch.fd = fd;
    socket.serial = serial;
    socket.uses = 0;
    const opened = { fd, serial, upstream: socket.upstream };
    const onReady = (hasFailed: boolean): void => {
      options.onRead(read(opened));
      if (!hasFailed || socket.fd !== fd) return;
      // By an ICMP error, which may be forged by somebody who knows the port; or the kernel has disconnected
      // it.
      socket.uses = QUERIES_PER_SOCKET;
      replaceWorn(socket);
    };
    socket.watch = watchReadable(fd, onReady, { isSynchronous: true });
  }

  function retire({ fd, watch }: UpstreamSocket): void {
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

  function reopen(socket: UpstreamSocket): void {
    open(socket, anyError);
  }

  function replaceWorn(socket: UpstreamSocket): void {
    const dropped = socket.batch.dropped();
    const isWorn = socket.uses >= QUERIES_PER_SOCKET || dropped !== socket.dropped;
    socket.dropped = dropped;
    if (isWorn && retired.size < MAX_RETIRED) reopen(socket);
  }

  function read({ fd, serial, upstream }: Pick<UpstreamSocket, "fd" | "serial" | "upstream">): number {
    const first = receive.receive(fd);
    // An error comes before the datagrams that wait behind it.
    const count = Math.max(first < 0 && first !== -EAGAIN ? receive.receive(fd) : first, 0);
    for (let i = 0; i < count; i++) {
      const start = receive.start(i);
      const length = receive.isCut(i) ? markTruncated(start) : receive.length(i);
      if (length < 2) continue;
      const attempt = attemptKey(serial, read16(arena.octets, start));
      options.onAnswer(attempt, upstream, start, start + length);
    }
    if (count > 0) options.onPass();
    return count;
  }

  /**
   * An answer that is longer than we said we take counts as cut by its sender: it is asked for over TCP.
   * Returns what is there of it.
   */
  function markTruncated(start: number): number {
    arena.octets[start + 2] = (arena.octets[start + 2] ?? 0) | Flag.tc;
    return receive.slot;
  }

  return {
    create,
    reopen,
    fault(socket) {
      if (socket.fd < 0) return undefined;
      const fault = socket.watch.fault();
      if (fault?.isDescriptorLost === true) {
        drop(socket);
        reopen(socket);
      }
      return fault?.reason;
    },
    replaceWorn,
    read,
    close(sockets) {
      isClosed = true;
      for (const socket of sockets) {
        retire(socket);
        socket.fd = -1;
        socket.batch.fd = -1;
      }
      for (const end of retired) end();
    },
  };
}

const NO_WATCH: Watch = { close: () => undefined, unref: () => undefined, fault: () => undefined };

/**
 * What may pass by itself: no route yet, no descriptors or memory left, a port range used up. Want of rights
 * does not.
 */
function mayPass(error: unknown): boolean {
  return error instanceof SystemCallError && error.code !== "EPERM";
}

function drop(socket: UpstreamSocket): void {
  socket.watch.close();
  closeSocket(socket.fd);
  socket.fd = -1;
  socket.batch.fd = -1;
}

/** Lookups are under way, so that nothing may be thrown: the next try to open the socket may do better. */
function anyError(): boolean {
  return true;
}
