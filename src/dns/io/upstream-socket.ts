/**
 * The life of one socket that asks an upstream: opened on a random port that the kernel gives to no client,
 * read, replaced once it has sent some thousands of queries, and listened to for a while after.
 */
import { SystemCallError } from "../../sys/errors.ts";
import { BATCH } from "../../sys/message-header.ts";
import { watchReadable, type Watch } from "../../sys/readiness.ts";
import type { Region } from "../../sys/region.ts";
import { createSendBatch, sendBatchSize, type SendBatch } from "../../sys/send-batch.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import { closeSocket, SOCK_DGRAM } from "../../sys/socket.ts";
import { QUESTION_ROOM } from "../upstream/lookups.ts";
import { upstreamQueryOctets } from "../wire/upstream-query.ts";
import { serialOf } from "./attempt-keys.ts";
import { openOwnSocket, type OwnSocketOptions } from "./own-socket.ts";
import { createReadAnswers, type ReadAnswers, type ReadAnswersOptions } from "./read-answers.ts";
import { createRetiredSockets } from "./retired-sockets.ts";

const QUERIES_PER_SOCKET = 8192;
/** Replaced sockets that still listen; while there are as many, none is replaced. */
export const MAX_RETIRED = 64;
const RECEIVE_BUFFER = 1 << 20;
export const QUERY_ROOM = Math.ceil(upstreamQueryOctets(QUESTION_ROOM) / 8) * 8;

export interface UpstreamSocketOptions extends OwnSocketOptions, ReadAnswersOptions {
  readonly region: Region;
  readonly upstreams: readonly Endpoint[];
  /** How long a replaced socket still listens. */
  readonly lingerMs: number;
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
  readonly read: ReadAnswers;
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
  const { upstreams } = options;
  const read = createReadAnswers(options);
  const retired = createRetiredSockets(options.lingerMs);
  let isClosed = false;

  function open(socket: UpstreamSocket, isTolerated: (error: unknown) => boolean): void {
    const endpoint = upstreams[socket.upstream];
    if (endpoint === undefined || isClosed) return;
    const fd = tryToOpen(endpoint, options, isTolerated);
    if (fd < 0) return;
    retired.add(socket);
    renew(socket, fd);
    const { serial, upstream } = socket;
    const opened = { fd, serial, upstream };
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

  function reopen(socket: UpstreamSocket): void {
    open(socket, anyError);
  }

  function replaceWorn(socket: UpstreamSocket): void {
    const dropped = socket.batch.dropped();
    const isWorn = socket.uses >= QUERIES_PER_SOCKET || dropped !== socket.dropped;
    socket.dropped = dropped;
    if (isWorn && retired.count() < MAX_RETIRED) reopen(socket);
  }

  return {
    create(place, upstream) {
      const socket = createSocket(options, place, upstream);
      open(socket, mayPass);
      return socket;
    },
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
        retired.add(socket);
        forget(socket);
      }
      retired.close();
    },
  };
}

/** One that is not open yet. */
function createSocket(
  { arena, region }: Pick<UpstreamSocketOptions, "arena" | "region">,
  place: number,
  upstream: number,
): UpstreamSocket {
  return {
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
}

/** -1 for an error that is tolerated; others are thrown. */
function tryToOpen(
  endpoint: Endpoint,
  options: OwnSocketOptions,
  isTolerated: (error: unknown) => boolean,
): number {
  try {
    return openOwnSocket(endpoint, options, { type: SOCK_DGRAM, receiveBuffer: RECEIVE_BUFFER });
  } catch (error) {
    if (isTolerated(error)) return -1;
    throw error;
  }
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
  forget(socket);
}

function renew(socket: UpstreamSocket, fd: number): void {
  socket.fd = fd;
  socket.batch.fd = fd;
  socket.serial = serialOf(socket.place, socket.openings++);
  socket.uses = 0;
}

function forget(socket: UpstreamSocket): void {
  socket.fd = -1;
  socket.batch.fd = -1;
}

/** Lookups are under way, so that nothing may be thrown: the next try to open the socket may do better. */
function anyError(): boolean {
  return true;
}
