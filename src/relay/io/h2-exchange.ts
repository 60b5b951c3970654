/** One request of HTTP/2 and its response, on a stream to the client and one to the origin. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type Http2Stream,
  type ServerHttp2Stream,
} from "node:http2";
import type { Admission } from "../admit.ts";
import { framingAfter } from "../body-writer.ts";
import type { Field } from "../gate/field.ts";
import { NO_BODY } from "../gate/framing.ts";
import { gateH2Response, readH2Fields } from "../gate/h2-response.ts";
import { refuse, type Refusal } from "../gate/refusal.ts";
import type { GatedResponse } from "../gate/response.ts";
import { trailersBack, trailersOut } from "../pass-trailers.ts";
import { passBody, stopUpload } from "./h2-body.ts";
import { type KeptStream, listOctets } from "./h2-kept.ts";
import { tellFault } from "./origin-fault.ts";
import { resetStream } from "./reset-stream.ts";
import { awaitsHead, fieldHeaders, requestHeaders, responseHeaders } from "./h2-headers.ts";

export interface H2Exchange {
  readonly client: ServerHttp2Stream;
  readonly admission: Admission;
  readonly authority: string;
  readonly scheme: string;
  /** Of the request, once they have come, which may be before the origin is reached. */
  readonly trailers: () => readonly string[];
  /** What is reckoned for it: who has something of it when the client's stream is closed holds it. */
  readonly kept: KeptStream;
  /** Whether no rule has changed since it was judged; one that has waited may go out only then. */
  isCurrent(): boolean;
  /** Withdraws it, and judges its request anew, as nothing of it has gone out. */
  judgeAgain(): void;
  /** To be called when its request goes out. It is not withdrawn after that, but by `askAgain`. */
  goesOut(): void;
  /** It went out before, over a kept connection that was closed: this time it takes a new one. */
  readonly isAgain: boolean;
  /** Withdraws it, and judges its request anew. The client's body has not been read, and is not flowing. */
  askAgain(): void;
  /**
   * Called when the client's stream is closed, or the request is withdrawn before it has gone out, since the
   * vault or a rule has changed. Set by who has the exchange: it lets go of it, and it must not go out.
   */
  closed: (() => void) | undefined;
  /** Resets the client's stream; `code` of RFC 9113 section 7. */
  reset(code: number): void;
  /** An answer in the origin's place; if one is under way, the exchange is cut. */
  answer(refusal: Refusal): void;
  /** What came cannot go on. */
  cut(text: string): void;
}

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_FLAG_END_STREAM } = constants;

/** Returns its stream to the origin; undefined if it was answered instead. */
export function passExchange(
  exchange: H2Exchange,
  session: ClientHttp2Session,
): ClientHttp2Stream | undefined {
  const { request, body } = exchange.admission;
  const framing = framingAfter(request.framing, body);
  const hasBody = !exchange.client.endAfterHeaders;
  const headers = requestHeaders(exchange.admission, { ...exchange, framing });
  let origin: ClientHttp2Stream;
  try {
    origin = session.request(headers, {
      endStream: !hasBody,
      waitForTrailers: hasBody && request.takesTrailers,
    });
  } catch (error) {
    if (!isNodesRefusal(error)) throw error;
    exchange.answer(refuse(400, `a request that HTTP/2 has no form for: ${error.code}`));
    return undefined;
  }
  exchange.goesOut();
  linkEnds(exchange, origin);
  if (hasBody) sendBody(exchange, origin);
  receive(exchange, origin);
  return origin;
}

/** Node takes no second value of some headers. */
function isNodesRefusal(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_HTTP2_");
}

/** A stream that is reset has the other one reset, for the same reason. */
function linkEnds(exchange: H2Exchange, origin: ClientHttp2Stream): void {
  const { client, answer } = exchange;
  let fault: string | undefined;
  // The session's own error comes to its streams first.
  origin.on("error", (error) => (fault ??= tellFault(error)));
  // Node ends the session, too. Its code would say that the client may try again.
  origin.on("frameError", () => (fault = "the request's head is larger than HTTP/2 can send"));
  exchange.closed = () => {
    resetStream(origin, resetCode(client));
  };
  // An answer that is whole goes out, even if the origin did not wait for the request.
  origin.on("close", () => {
    if (fault !== undefined && awaitsHead(client)) answer(refuse(502, fault));
    else if (!client.writableEnded) exchange.reset(resetCode(origin));
    else stopUpload(client);
  });
}

/** For the other side of a stream that was closed. */
function resetCode({ rstCode }: Http2Stream): number {
  return rstCode === NGHTTP2_NO_ERROR ? NGHTTP2_CANCEL : rstCode;
}

function sendBody(exchange: H2Exchange, origin: ClientHttp2Stream): void {
  const { client, admission, cut } = exchange;
  const { request, body } = admission;
  if (request.takesTrailers) {
    origin.on("wantTrailers", () => {
      const fields = readH2Fields(exchange.trailers());
      const passed = "kind" in fields ? [] : trailersOut(admission, fields);
      if ("kind" in passed) cut(passed.text);
      else origin.sendTrailers(fieldHeaders(passed));
    });
  }
  passBody(client, origin, { change: body, ended: () => origin.end(), refused: ({ text }) => cut(text) });
}

function receive(exchange: H2Exchange, origin: ClientHttp2Stream): void {
  const { client, admission } = exchange;
  if (admission.request.expectsContinue) {
    origin.on("continue", () => {
      if (awaitsHead(client)) client.additionalHeaders({ ":status": 100 });
    });
  }
  origin.on("headers", (_headers: unknown, _flags: number, raw: readonly string[]) => {
    exchange.kept.add(listOctets(raw));
    const interim = gateH2Response(raw, false);
    if (interim.kind === "response" && isInterim(interim) && awaitsHead(client)) {
      const changed = admission.change?.response(interim) ?? { response: interim };
      if ("kind" in changed) exchange.answer(changed);
      else client.additionalHeaders(responseHeaders(changed.response, NO_BODY));
    }
  });
  origin.on("response", (_headers: unknown, flags: number, raw: readonly string[]) => {
    exchange.kept.add(listOctets(raw));
    const gated = gateH2Response(raw, (flags & NGHTTP2_FLAG_END_STREAM) === 0);
    if (gated.kind === "refused") exchange.answer(gated);
    else if (gated.status < 200) exchange.answer(NO_ANSWER);
    else if (awaitsHead(client)) respond(exchange, origin, gated);
  });
}

const NO_ANSWER = refuse(502, "the origin has sent no answer but an interim one");

function isInterim({ status }: GatedResponse): boolean {
  return status < 200 && status !== 101;
}

function respond(exchange: H2Exchange, origin: ClientHttp2Stream, gated: GatedResponse): void {
  const { client, admission, cut } = exchange;
  const changed = admission.change?.response(gated) ?? { response: gated, body: undefined };
  if ("kind" in changed) return exchange.answer(changed);
  const { response, body } = changed;
  const framing = framingAfter(response.framing, body);
  const headers = responseHeaders(response, framing);
  if (framing.kind === "none") {
    client.respond(headers, { endStream: true });
    origin.resume();
    return;
  }
  // A body of a known length has none; waiting for them costs a frame.
  const waitForTrailers = framing.kind !== "length";
  client.respond(headers, { waitForTrailers });
  if (waitForTrailers) passTrailers(exchange, origin);
  passBody(origin, client, { change: body, ended: () => client.end(), refused: ({ text }) => cut(text) });
}

function passTrailers({ client, admission, kept }: H2Exchange, origin: ClientHttp2Stream): void {
  let trailers: readonly Field[] = [];
  origin.on("trailers", (_headers: unknown, _flags: number, raw: readonly string[]) => {
    kept.add(listOctets(raw));
    const fields = readH2Fields(raw);
    if (!("kind" in fields)) trailers = trailersBack(admission, fields);
  });
  client.once("wantTrailers", () => {
    if (trailers.length > 0) client.sendTrailers(fieldHeaders(trailers));
    else client.sendTrailers({});
  });
}
