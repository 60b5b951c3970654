/**
 * Lookups over TCP (RFC 7766): pipelined, answered out of order. Past the limit a newcomer gets the place of
 * the connection that has been idle longest, and waits for one, unread, while all others wait for answers. A
 * client that does not read its answers is not read either.
 */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Arena } from "../../sys/arena.ts";
import { bindForServer, hasEnded } from "../../sys/listening-socket.ts";
import { BATCH } from "../../sys/message-header.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import type { Client } from "../delivery/waiters.ts";
import { isQuery } from "../wire/query.ts";
import { createGatheringRoom, createTcpClient, type GatheringRoom } from "./tcp-client.ts";
import { createFrameReader } from "./tcp-framing.ts";
import { createTcpPlaces, type Place, type TcpPlaces } from "./tcp-places.ts";

/** What the kernel keeps of answers that a client does not read; `tcp-client.ts` says what we do. */
const MAX_UNREAD_IN_KERNEL = 1 << 17;
/** A connection has this long from the first octet of a message to the last. */
const MESSAGE_MS = 10_000;
/** No query of a client's needs more. */
const MAX_QUERY_OCTETS = 4096;
const LAST_WORDS_MS = 250;

export interface TcpListenerOptions {
  readonly arena: Arena;
  /** Room in the arena for one query, and for one answer of 64 KiB. */
  readonly queryRoom: number;
  readonly answerRoom: number;
  /** A connection on which nothing moves is closed after this time: longer than a lookup may take. */
  readonly idleMs: number;
  /** A query stands in `arena.octets[start, end)`, and may be overwritten. */
  readonly onQuery: (start: number, end: number, client: Client) => void;
  /** Queries that came together have been handed over. */
  readonly onPass: () => void;
}

export interface TcpListener {
  /** Writes the answers that are queued, a connection's in one piece. */
  flush(): void;
  /** Begins to read; queries that came before wait in their connections. */
  start(): void;
  /** Takes no more connections and queries; answers may still go out. */
  stop(): void;
  /**
   * Why connections were not taken since the last look; to be asked about once a second. They are soon after,
   * if the port is free.
   */
  fault(): string | undefined;
  close(): Promise<void>;
}

/** Octets of arena for one query and the reply of ours that may be written over it. */
export const TCP_QUERY_ROOM = MAX_QUERY_OCTETS + 128;
export const TCP_ANSWER_ROOM = 65_536;

/**
 * Binds, and reads nothing before `start`; rejects with SystemCallError (`code` EADDRINUSE, EADDRNOTAVAIL,
 * EAFNOSUPPORT), and with Node's error.
 */
export async function openTcpListener(local: Endpoint, options: TcpListenerOptions): Promise<TcpListener> {
  const places = createTcpPlaces((place) => serve(place, places, state, options));
  const state: ListenerState = { isReading: false, unwritten: [], gathering: createGatheringRoom() };
  let isStopped = false;
  // A client may have said all that it wants to say and still wait for its answers.
  const server = createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true }, places.enter);
  await listen(server, local);
  server.on("error", ignoreAcceptErrors);
  const closed = Promise.withResolvers<void>();
  function stop(): void {
    if (isStopped) return;
    isStopped = true;
    state.isReading = false;
    server.close(() => closed.resolve());
    for (const { socket } of places.taken()) socket.pause();
  }
  return {
    flush() {
      for (const write of state.unwritten) write();
      state.unwritten.length = 0;
      places.refill();
    },
    start() {
      if (isStopped) return;
      state.isReading = true;
      for (const { socket } of places.taken()) socket.resume();
    },
    stop,
    fault() {
      if (isStopped || (server.listening && !hasEnded(server))) return undefined;
      server.close();
      // If it is refused again and again, each look reports it.
      listen(server, local).catch(ignoreAcceptErrors);
      return "its listening socket was ended";
    },
    close() {
      stop();
      for (const { socket } of places.taken()) endSoon(socket);
      places.close();
      return closed.promise;
    },
  };
}

/** The server has the descriptor from then on. */
async function listen(server: Server, local: Endpoint): Promise<void> {
  const fd = bindForServer(local, MAX_UNREAD_IN_KERNEL);
  const listening = once(server, "listening");
  server.listen({ fd, exclusive: true });
  await listening;
}

/** Lets what has been written go out, for as long as a client that reads needs. */
function endSoon(socket: Socket): void {
  socket.destroySoon();
  setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref();
}

interface ListenerState {
  isReading: boolean;
  /** Write what is queued for the connections that have something. */
  readonly unwritten: (() => void)[];
  readonly gathering: GatheringRoom;
}

function serve(place: Place, places: TcpPlaces, state: ListenerState, options: TcpListenerOptions): void {
  const { socket, talk } = place;
  const { arena, queryRoom, onPass } = options;
  let messageDeadline: NodeJS.Timeout | undefined;
  const onQueued = (write: () => void): void => void state.unwritten.push(write);
  const client = createTcpClient(socket, talk, { ...options, gathering: state.gathering, onQueued });
  let inPass = 0;
  function endPass(): void {
    if (inPass > 0) onPass();
    inPass = 0;
  }
  const reader = createFrameReader((octets, start, end) => {
    clearTimeout(messageDeadline);
    messageDeadline = undefined;
    if (!isQuery(octets, start, end)) return;
    octets.copy(arena.octets, queryRoom, start, end);
    talk.unanswered += 1;
    options.onQuery(queryRoom, queryRoom + end - start, client);
    inPass += 1;
    if (inPass === BATCH) endPass();
  }, MAX_QUERY_OCTETS);

  if (state.isReading) socket.resume();
  socket.setTimeout(options.idleMs, () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    places.renew(place);
    const isSound = reader.push(chunk);
    endPass();
    if (!isSound) socket.destroy();
    if (reader.isInside()) messageDeadline ??= setTimeout(() => socket.destroy(), MESSAGE_MS).unref();
    if (socket.writableNeedDrain) socket.pause();
  });
  socket.on("drain", () => {
    if (state.isReading) socket.resume();
  });
  socket.on("end", () => {
    talk.isOver = true;
    if (talk.unanswered === 0) socket.end();
  });
  // A reset by the client is its own business; "close" follows.
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    clearTimeout(messageDeadline);
    places.leave(place);
  });
}

/** An accept that fails (no descriptors left) costs that one connection; the listener goes on. */
function ignoreAcceptErrors(): void {
  // Node keeps listening by itself.
}
