/** One connection to an origin of HTTP/1.1, and the exchange of HTTP/2 that has it. */
import { constants, type ServerHttp2Stream } from "node:http2";
import { type BodyWriter, createBodyWriter, framingAfter } from "../body-writer.ts";
import { type Field, makeField } from "../gate/field.ts";
import { type Framing, framingOverH1, NO_BODY } from "../gate/framing.ts";
import type { Head } from "../gate/head.ts";
import type { MessageReader } from "../gate/message-reader.ts";
import { refuse } from "../gate/refusal.ts";
import type { GatedRequest } from "../gate/request.ts";
import { gateResponse } from "../gate/response.ts";
import { writeRequestHead } from "../gate/write-head.ts";
import { trailersBack } from "../pass-trailers.ts";
import type { BodyChange } from "../ports.ts";
import { onBodyEnd, stopUpload } from "./h2-body.ts";
import type { H2Exchange } from "./h2-exchange.ts";
import { fieldOctets } from "./h2-kept.ts";
import { awaitsHead, fieldHeaders, responseHeaders } from "./h2-headers.ts";
import type { Half } from "./half.ts";

export interface Line {
  readonly half: Half;
  readonly reader: MessageReader;
  exchange: H2Exchange | undefined;
  change: BodyChange | undefined;
  isInterim: boolean;
  isSent: boolean;
  isAnswered: boolean;
  /** An octet has come since the request went out. */
  isHeard: boolean;
  /** Some of the request's body has come. */
  isBodyRead: boolean;
  /** The client's stream, before it ends. */
  waitsForTrailers: boolean;
  /** Once the answer's head has come: a next request may go over it. */
  keepsAlive: boolean;
  body: BodyWriter | undefined;
  /** It had a request before this one, or has waited for one: the origin may have closed it meanwhile. */
  isKept: boolean;
  /** Counts in the bound that sessions share. */
  hasRoom: boolean;
  /** Closes it where it rests; its room is another's then. */
  readonly shed: () => void;
}

export function begin(line: Line, exchange: H2Exchange): void {
  const { admission, authority } = exchange;
  const { request, body } = admission;
  exchange.goesOut();
  line.exchange = exchange;
  line.isSent = false;
  line.isAnswered = false;
  line.isHeard = false;
  line.isBodyRead = false;
  line.half.writes.mark();
  const framing = framingAfter(framingOverH1(request.method, request.framing), body);
  line.half.text(writeRequestHead(joinCookies(request), { host: authority, framing }));
  const writer = createBodyWriter(framing, line.half, body);
  exchange.closed = () => {
    if (line.exchange === exchange) line.half.socket.destroy();
  };
  line.body = writer;
  if (exchange.client.endAfterHeaders) line.isSent = true;
  else sendBody(line, writer);
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

function sendBody(line: Line, writer: BodyWriter): void {
  const { exchange, half } = line;
  if (exchange === undefined) return;
  const { client, cut } = exchange;
  client.on("data", (octets: Buffer) => {
    if (line.exchange !== exchange) return;
    line.isBodyRead = true;
    const refused = writer.data(octets);
    if (refused === undefined) half.flush();
    else cut(refused.text);
  });
  onBodyEnd(client, () => {
    if (line.exchange !== exchange) return;
    line.isBodyRead = true;
    const refused = writer.end([]);
    if (refused !== undefined) return cut(refused.text);
    half.flush();
    line.isSent = true;
    return undefined;
  });
  // If it was asked before, it was stopped then.
  client.resume();
}

/** As {@link MessageReader} wants it: what frames the body. */
export function takeHead(line: Line, head: Head): Framing | undefined {
  const { exchange } = line;
  if (exchange === undefined || line.isAnswered) return void line.half.socket.destroy();
  const { client, admission } = exchange;
  const gated = gateResponse(head, admission.request);
  if (gated.kind === "refused") return fail(line, gated.text);
  if (gated.status >= 600) return fail(line, "the origin has sent a status that HTTP/2 does not have");
  exchange.kept.add(fieldOctets(gated.fields));
  const changed = admission.change?.response(gated) ?? { response: gated, body: undefined };
  if ("kind" in changed) return fail(line, changed.text);
  const { response } = changed;
  line.isInterim = response.status < 200;
  if (!awaitsHead(client)) return response.framing;
  if (line.isInterim) {
    client.additionalHeaders(responseHeaders(response, NO_BODY));
    return NO_BODY;
  }
  // If the origin does not read the body, what follows over its connection is no request of its own.
  line.keepsAlive = response.keepsAlive && line.isSent && line.body?.isRequestLike() === false;
  line.change = changed.body;
  const framing = framingAfter(response.framing, changed.body);
  line.waitsForTrailers = framing.kind === "chunked" && admission.request.takesTrailers;
  client.respond(responseHeaders(response, framing), {
    endStream: framing.kind === "none",
    waitForTrailers: line.waitsForTrailers,
  });
  return response.framing;
}

export function takeData(line: Line, octets: Buffer): void {
  const { exchange, change, half } = line;
  if (exchange === undefined || exchange.client.destroyed) return;
  const changed = change === undefined ? octets : change.push(octets);
  if ("kind" in changed) exchange.cut(changed.text);
  else write(exchange.client, changed, half);
}

function write(client: ServerHttp2Stream, octets: Buffer, half: Half): void {
  if (octets.length === 0 || client.write(octets)) return;
  half.pause("peer-full");
  // What has been read already may be many chunks.
  if (client.listenerCount("drain") === 0) client.once("drain", () => half.resume("peer-full"));
}

/** `release` is called once the answer is whole. */
export function takeEnd(line: Line, trailers: readonly Field[], release: (line: Line) => void): void {
  const { exchange, change, half } = line;
  if (line.isInterim || exchange === undefined) return;
  line.isAnswered = true;
  const { client, admission } = exchange;
  exchange.kept.add(fieldOctets(trailers));
  const held = change?.end();
  if (held !== undefined && "kind" in held) return exchange.cut(held.text);
  if (!client.destroyed && !client.writableEnded) {
    const passed = trailersBack(admission, trailers);
    if (line.waitsForTrailers) client.once("wantTrailers", () => client.sendTrailers(fieldHeaders(passed)));
    if (held !== undefined) write(client, held, half);
    client.end();
  }
  half.resume("peer-full");
  endExchange(line, release);
  return undefined;
}

/**
 * The answer is whole. The request may not be: an origin that does not read the rest would take it for the
 * next request.
 */
function endExchange(line: Line, release: (line: Line) => void): void {
  const { exchange, isSent } = line;
  release(line);
  if (exchange !== undefined && !isSent) stopUpload(exchange.client);
}

/** Methods that may be asked again if nobody knows what became of them (RFC 9110 section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/**
 * The connection is lost without a whole answer. An origin may close a kept one just when a request goes out
 * (RFC 9112 section 9.5): that one is asked again, once, or the client is told that it may do so.
 */
export function lostUnderWay(line: Line): void {
  const { exchange, half, isKept, isHeard, isBodyRead } = line;
  const fault = half.fault();
  if (exchange === undefined || fault !== undefined || !isKept || isHeard)
    return fail(line, fault ?? "the origin's connection has ended before the answer");
  const isUnsent = half.writes.areUntaken();
  const { client, admission } = exchange;
  if (!isBodyRead && (isUnsent || IDEMPOTENT.has(admission.request.method))) {
    line.exchange = undefined;
    if (!client.endAfterHeaders) client.pause();
    exchange.askAgain();
  } else if (isUnsent) {
    line.exchange = undefined;
    exchange.reset(constants.NGHTTP2_REFUSED_STREAM);
  } else fail(line, "the origin has closed a kept connection without an answer");
  return undefined;
}

/** The connection ends, and who waits for the answer is told. */
export function fail(line: Line, text: string): undefined {
  const { exchange } = line;
  line.exchange = undefined;
  line.half.socket.destroy();
  if (exchange === undefined) return;
  exchange.answer(refuse(502, text));
}
