/**
 * The origin of a client of HTTP/2 that speaks HTTP/1.1 alone: a connection for each request that is under
 * way, kept for the next one. Requests over the bounds of connections wait: that of the session, and the one
 * that all sessions share for what each has beside one.
 */
import type { Socket } from "node:net";
import { createMessageReader } from "../gate/message-reader.ts";
import type { Refusal } from "../gate/refusal.ts";
import type { H2Exchange } from "./h2-exchange.ts";
import type { H2Origin } from "./h2-origin.ts";
import { begin, fail, type Line, lostUnderWay, takeData, takeEnd, takeHead } from "./h1-line.ts";
import { isGone } from "./h2-headers.ts";
import { createHalf } from "./half.ts";
import type { LineRooms } from "./line-rooms.ts";
import { toRefusal } from "./upstream-refusal.ts";

export interface H1OriginsOptions {
  readonly connect: () => Promise<Socket>;
  readonly rooms: LineRooms;
  readonly count: (lines: number) => void;
}

const MAX_LINES = 32;

/** `first` is a connection that is open already; `count` is told how many there are. */
export function createH1Origins(first: Socket, { connect, rooms, count }: H1OriginsOptions): H2Origin {
  const lines = new Set<Line>();
  const idle: Line[] = [];
  /** None that is reset, or withdrawn: it would keep its head. */
  const waiting = new Set<H2Exchange>();
  let opening = 0;
  let isClosed = false;
  /** Whether a connection, or one that is opened, is the one that each session may have. */
  let hasFirst = true;
  idle.push(openLine(first, false));

  function openLine(socket: Socket, hasRoom: boolean): Line {
    const events = {
      octets(octets: Buffer) {
        line.isHeard = true;
        line.reader.feed(octets);
        line.half.flush();
      },
      ended: () => lose(line, true),
      closed: () => lose(line, false),
      full: () => line.exchange?.client.pause(),
      drained: () => line.exchange?.client.resume(),
    };
    const line: Line = {
      half: createHalf(socket, events, { readsOn: true }),
      reader: createMessageReader({
        head: (head) => takeHead(line, head),
        data: (octets) => takeData(line, octets),
        end: (trailers) => takeEnd(line, trailers, release),
        refused: ({ text }) => fail(line, `the origin has sent ${text}`),
      }),
      exchange: undefined,
      change: undefined,
      isInterim: false,
      isSent: false,
      isAnswered: false,
      isHeard: false,
      isBodyRead: false,
      isKept: false,
      waitsForTrailers: false,
      keepsAlive: true,
      body: undefined,
      hasRoom,
      shed() {
        line.hasRoom = false;
        close(line);
      },
    };
    lines.add(line);
    count(lines.size);
    return line;
  }

  /** Behind `serve`: nobody else is to have it while this session has requests for it. */
  function restIfIdle(line: Line): void {
    if (line.hasRoom && idle.includes(line)) rooms.rest(line.shed);
  }

  /** A request that is asked again gets a new one: what was kept as long may be gone, too. */
  function takeIdle({ isAgain }: H2Exchange, stale: Line[]): Line | undefined {
    for (let line = idle.pop(); line !== undefined; line = idle.pop()) {
      rooms.wake(line.shed);
      if (!line.half.socket.destroyed && !(isAgain && line.isKept)) return line;
      stale.push(line);
    }
    return undefined;
  }

  function serve(): void {
    const stale: Line[] = [];
    for (const next of waiting) {
      if (isGone(next.client) || !next.isCurrent()) {
        waiting.delete(next);
        if (!isGone(next.client)) next.judgeAgain();
        continue;
      }
      const line = takeIdle(next, stale);
      if (line === undefined) break;
      waiting.delete(next);
      begin(line, next);
    }
    for (const line of idle) line.isKept = true;
    for (const line of stale) drop(line);
    if (!isClosed && waiting.size > opening && lines.size + opening < MAX_LINES) openMore();
  }

  function answerFirst(refusal: Refusal): void {
    for (const exchange of waiting) {
      waiting.delete(exchange);
      exchange.answer(refusal);
      return;
    }
  }

  function openMore(): void {
    if (!hasFirst) {
      hasFirst = true;
      void openWith(false);
    } else if (rooms.take()) void openWith(true);
    else rooms.wait(serve);
  }

  async function openWith(hasRoom: boolean): Promise<void> {
    opening++;
    const line = await connect().then(
      (socket) => openLine(socket, hasRoom),
      (error: unknown) => {
        answerFirst(toRefusal(error));
        return undefined;
      },
    );
    opening--;
    if (line === undefined) leaveRoom(hasRoom);
    else if (isClosed) drop(line);
    else idle.push(line);
    serve();
    if (line !== undefined) restIfIdle(line);
  }

  /** What has gone was the session's first connection, or had room. */
  function leaveRoom(hasRoom: boolean): void {
    if (hasRoom) return rooms.give();
    const other = [...lines].find((line) => line.hasRoom);
    hasFirst = other !== undefined;
    if (other === undefined) return;
    other.hasRoom = false;
    rooms.wake(other.shed);
    rooms.give();
  }

  function release(line: Line): void {
    line.exchange = undefined;
    const isKept = line.keepsAlive && line.isSent && lines.has(line);
    line.isKept = true;
    if (isKept) idle.push(line);
    else drop(line);
    serve();
    restIfIdle(line);
  }

  function drop(line: Line): void {
    if (!lines.has(line)) return;
    close(line);
    leaveRoom(line.hasRoom);
  }

  function close(line: Line): void {
    lines.delete(line);
    count(lines.size);
    rooms.wake(line.shed);
    const index = idle.indexOf(line);
    if (index >= 0) idle.splice(index, 1);
    line.half.socket.destroy();
  }

  /** The origin has ended the connection, or it is lost. */
  function lose(line: Line, isClean: boolean): void {
    if (!lines.has(line)) return;
    line.keepsAlive = false;
    // A body may end so: the connection is released then.
    if (isClean) line.reader.finish();
    if (!lines.has(line)) return;
    drop(line);
    if (line.exchange !== undefined) lostUnderWay(line);
    serve();
  }

  return {
    pass(exchange) {
      waiting.add(exchange);
      exchange.closed = () => waiting.delete(exchange);
      serve();
    },
    close() {
      isClosed = true;
      waiting.clear();
      rooms.leave(serve);
      const all = [...lines];
      for (const line of all) close(line);
      for (const { hasRoom } of all) if (hasRoom) rooms.give();
    },
  };
}
