/**
 * The sockets that ask the upstreams: a few per upstream, connected (the kernel drops what comes from
 * elsewhere), marked, on random ports that the kernel gives to no client, drawn anew for each pass, and
 * replaced after some thousands of queries.
 *
 * The workload can see and send on the same network, so a forger has to guess port, id and letter case at
 * once; the ruleset keeps packets "from" the upstream from being forged at all.
 */
import { BATCH } from "../../sys/message-header.ts";
import type { UpstreamTransport } from "../upstream/transport.ts";
import { attemptKey } from "./attempt-keys.ts";
import type { TcpExchange } from "./tcp-exchange.ts";
import {
  createSocketKeeper,
  QUERY_ROOM,
  type SocketKeeper,
  type UpstreamSocket,
  type UpstreamSocketOptions,
  upstreamSocketSize,
} from "./upstream-socket.ts";

export const SOCKETS_PER_UPSTREAM = 4;

export interface UpstreamSocketsOptions extends UpstreamSocketOptions {
  readonly exchange: TcpExchange;
}

export interface UpstreamSockets extends UpstreamTransport {
  /** Queries that the kernel would not take. */
  dropped(): number;
  /**
   * Reads the socket that queries went out by last, before the event loop says so; returns how many
   * datagrams.
   */
  read(): number;
  /**
   * Why answers were not read since the last look; to be asked about once a second. They are from then on, if
   * a socket can be had.
   */
  fault(): string | undefined;
  /** Nothing is sent any more; may be called while lookups are under way. */
  close(): void;
}

/** Octets of arena taken for that many upstreams. */
export function upstreamSocketsSize(upstreams: number): number {
  return upstreams * SOCKETS_PER_UPSTREAM * upstreamSocketSize();
}

/**
 * Opens the sockets. Throws SystemCallError if none of an upstream's can be opened for want of rights
 * (EPERM).
 */
export function openUpstreamSockets(options: UpstreamSocketsOptions): UpstreamSockets {
  const { upstreams, random, exchange } = options;
  const keeper = createSocketKeeper(options);
  const sockets: UpstreamSocket[][] = upstreams.map(() => []);
  let drawn: UpstreamSocket | undefined;
  /** The one that a query went out by last. */
  let asked: UpstreamSocket | undefined;
  /** Sockets with queries that are queued. */
  const unsent: UpstreamSocket[] = [];
  /**
   * The socket of each upstream for this pass: what goes out together shares a system call, and what comes
   * back another.
   */
  const turns: (UpstreamSocket | undefined)[] = [];

  function turnOf(upstream: number): UpstreamSocket | undefined {
    turns[upstream] ??= sockets[upstream]?.[random.below(SOCKETS_PER_UPSTREAM)];
    return turns[upstream];
  }

  function close(): void {
    exchange.close();
    keeper.close(sockets.flat());
  }

  fill(sockets, keeper, close);
  return {
    count: upstreams.length,
    draw(upstream, isTaken) {
      const socket = turnOf(upstream);
      drawn = socket;
      if (socket === undefined) return -1;
      if (socket.fd < 0) keeper.reopen(socket);
      return socket.fd < 0 ? -1 : drawAttempt(socket, random, isTaken);
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
        keeper.replaceWorn(socket);
      }
      unsent.length = 0;
      turns.length = 0;
    },
    read: () => (asked === undefined || asked.fd < 0 ? 0 : keeper.read(asked)),
    fault: () => firstOf(sockets.flat().map(keeper.fault)),
    exchange: exchange.ask,
    close,
    dropped: () => sockets.flat().reduce((sum, { batch }) => sum + batch.dropped(), 0),
  };
}

/** Opens the sockets of each upstream, or none: calls `close` before it throws. */
function fill(sockets: readonly UpstreamSocket[][], keeper: SocketKeeper, close: () => void): void {
  try {
    for (const [upstream, group] of sockets.entries()) {
      while (group.length < SOCKETS_PER_UPSTREAM) {
        group.push(keeper.create(upstream * SOCKETS_PER_UPSTREAM + group.length, upstream));
      }
    }
  } catch (error) {
    close();
    throw error;
  }
}

/** An id at random that is not in use on the socket; -1 if none is found. */
function drawAttempt(
  { serial }: UpstreamSocket,
  random: UpstreamSocketsOptions["random"],
  isTaken: (attempt: number) => boolean,
): number {
  for (let tries = 0; tries < 16; tries++) {
    const attempt = attemptKey(serial, random.word());
    if (!isTaken(attempt)) return attempt;
  }
  return -1;
}

function flushSocket(socket: UpstreamSocket): void {
  socket.batch.flush();
  socket.queued = 0;
}

function firstOf(reasons: readonly (string | undefined)[]): string | undefined {
  return reasons.find((reason) => reason !== undefined);
}
