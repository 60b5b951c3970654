/**
 * The origin of a client of HTTP/2 that speaks HTTP/1.1 alone: a connection for each request that is under
 * way, kept for the next one. Requests over the bound of connections wait.
 */
import type { ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { type BodyWriter, createBodyWriter } from "../body-writer.ts";
import { type Field, makeField } from "../gate/field.ts";
import { CHUNKED, type Framing, NO_BODY } from "../gate/framing.ts";
import type { Head } from "../gate/head.ts";
import { createMessageReader, type MessageReader } from "../gate/message-reader.ts";
import { refuse } from "../gate/refusal.ts";
import type { GatedRequest } from "../gate/request.ts";
import { gateResponse } from "../gate/response.ts";
import { writeRequestHead } from "../gate/write-head.ts";
import { trailersBack } from "../pass-trailers.ts";
import type { BodyChange } from "../ports.ts";
import type { H2Exchange } from "./h2-exchange.ts";
import { awaitsHead, fieldHeaders, isGone, responseHeaders } from "./h2-headers.ts";
import { createHalf, type Half } from "./half.ts";
import { toRefusal } from "./upstream-refusal.ts";

export interface H1Origins {
  pass(exchange: H2Exchange): void;
  close(): void;
}

/** One connection to the origin, and the exchange that has it. */
interface Line {
  readonly half: Half;
  readonly reader: MessageReader;
  exchange: H2Exchange | undefined;
  change: BodyChange | undefined;
  isInterim: boolean;
  isSent: boolean;
  isAnswered: boolean;
  keepsAlive: boolean;
}

const MAX_LINES = 32;

/** `first` is a connection that is open already. */
export function createH1Origins(first: Socket, connect: () => Promise<Socket>): H1Origins {
  const lines = new Set<Line>();
  const idle: Line[] = [];
  const waiting: H2Exchange[] = [];
  let opening = 0;
  let isClosed = false;
  idle.push(openLine(first));

  function openLine(socket: Socket): Line {
    const line: Line = {
      half: createHalf(socket, {
        octets(octets) {
          line.reader.feed(octets);
          line.half.flush();
        },
        ended: () => lose(line, true),
        closed: () => lose(line, false),
        full: () => line.exchange?.client.pause(),
        drained: () => line.exchange?.client.resume(),
      }),
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
      keepsAlive: true,
    };
    lines.add(line);
    return line;
  }

  function serve(): void {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const line = idle.pop();
      if (line === undefined) break;
      waiting.shift();
      if (isGone(next.client)) idle.push(line);
      else begin(line, next, release);
    }
    if (waiting.length > opening && lines.size + opening < MAX_LINES) void openMore();
  }

  async function openMore(): Promise<void> {
    opening++;
    try {
      const socket = await connect();
      if (isClosed) socket.destroy();
      else idle.push(openLine(socket));
    } catch (error) {
      const refusal = toRefusal(error);
      waiting.shift()?.answer(refusal);
    } finally {
      opening--;
      serve();
    }
  }

  function release(line: Line): void {
    line.exchange = undefined;
    if (line.keepsAlive && line.isSent && lines.has(line)) idle.push(line);
    else drop(line);
    serve();
  }

  function drop(line: Line): void {
    lines.delete(line);
    const index = idle.indexOf(line);
    if (index >= 0) idle.splice(index, 1);
    line.half.socket.destroy();
  }

  /** The origin has ended the connection, or it is lost. */
  function lose(line: Line, isClean: boolean): void {
    if (!lines.has(line)) return;
    line.keepsAlive = false;
    const { exchange } = line;
    // A body may end so.
    if (isClean && line.reader.finish() === "clean" && line.exchange === undefined && exchange !== undefined)
      return;
    drop(line);
    if (line.exchange !== undefined) fail(line, "the origin's connection has ended before the answer");
    serve();
  }

  return {
    pass(exchange) {
      waiting.push(exchange);
      serve();
    },
    close() {
      isClosed = true;
      for (const line of lines) line.half.socket.destroy();
      lines.clear();
    },
  };
}

function begin(line: Line, exchange: H2Exchange, release: (line: Line) => void): void {
  const { client, admission, authority } = exchange;
  const { request, body } = admission;
  line.exchange = exchange;
  line.isSent = false;
  line.isAnswered = false;
  const framing =
    request.framing.kind === "length" && body?.keepsLength === false ? CHUNKED : request.framing;
  line.half.text(writeRequestHead(joinCookies(request), { host: authority, framing }));
  const writer = createBodyWriter(framing, line.half, body);
  client.once("close", () => {
    if (line.exchange === exchange) line.half.socket.destroy();
  });
  if (framing.kind === "none") line.isSent = true;
  else sendBody(line, writer, release);
  line.half.flush();
}

/** Crumbs of HTTP/2 are one field again (RFC 9113 section 8.2.3). */
function joinCookies(request: GatedRequest): GatedRequest {
  const cookies = request.fields.filter(({ key }) => key === "cookie");
  if (cookies.length < 2) return request;
  const others = request.fields.filter(({ key }) => key !== "cookie");
  const joined = makeField("cookie", cookies.map(({ value }) => value).join("; "));
  return { ...request, fields: [...others, joined] };
}

function sendBody(line: Line, writer: BodyWriter, release: (line: Line) => void): void {
  const { exchange, half } = line;
  if (exchange === undefined) return;
  const { client, cut } = exchange;
  client.on("data", (octets: Buffer) => {
    const refused = writer.data(octets);
    if (refused === undefined) half.flush();
    else cut(refused.text);
  });
  client.on("end", () => {
    if (line.exchange !== exchange) return;
    const refused = writer.end([]);
    if (refused !== undefined) return cut(refused.text);
    half.flush();
    line.isSent = true;
    if (line.isAnswered) release(line);
    return undefined;
  });
}

function takeHead(line: Line, head: Head): Framing | undefined {
  const { exchange } = line;
  if (exchange === undefined || line.isAnswered) return void line.half.socket.destroy();
  const { client, admission } = exchange;
  const gated = gateResponse(head, admission.request);
  if (gated.kind === "refused") return fail(line, gated.text);
  if (gated.status >= 600) return fail(line, "the origin has sent a status that HTTP/2 does not have");
  const changed = admission.change?.response(gated) ?? { response: gated, body: undefined };
  const { response } = changed;
  line.isInterim = response.status < 200;
  if (!awaitsHead(client)) return response.framing;
  if (line.isInterim) {
    client.additionalHeaders(responseHeaders(response, NO_BODY));
    return NO_BODY;
  }
  line.keepsAlive = response.keepsAlive;
  line.change = changed.body;
  const framing =
    response.framing.kind === "length" && changed.body?.keepsLength === false ? CHUNKED : response.framing;
  const waitForTrailers = framing.kind === "chunked" && admission.request.takesTrailers;
  client.respond(responseHeaders(response, framing), { endStream: framing.kind === "none", waitForTrailers });
  return response.framing;
}

function takeData(line: Line, octets: Buffer): void {
  const { exchange, change, half } = line;
  if (exchange === undefined || exchange.client.destroyed) return;
  const changed = change === undefined ? octets : change.push(octets);
  if ("kind" in changed) exchange.cut(changed.text);
  else write(exchange.client, changed, half);
}

function write(client: ServerHttp2Stream, octets: Buffer, half: Half): void {
  if (octets.length === 0 || client.write(octets)) return;
  half.pause("peer-full");
  client.once("drain", () => half.resume("peer-full"));
}

function takeEnd(line: Line, trailers: readonly Field[], release: (line: Line) => void): void {
  const { exchange, change, half } = line;
  if (line.isInterim || exchange === undefined) return;
  line.isAnswered = true;
  const { client, admission } = exchange;
  const held = change?.end();
  if (held !== undefined && "kind" in held) return exchange.cut(held.text);
  if (!client.destroyed && !client.writableEnded) {
    const passed = trailersBack(admission, trailers);
    client.once("wantTrailers", () => client.sendTrailers(fieldHeaders(passed)));
    if (held !== undefined) write(client, held, half);
    client.end();
  }
  half.resume("peer-full");
  if (line.isSent) release(line);
  return undefined;
}

function fail(line: Line, text: string): undefined {
  const { exchange } = line;
  line.exchange = undefined;
  line.half.socket.destroy();
  if (exchange === undefined) return;
  exchange.answer(refuse(502, text));
}
