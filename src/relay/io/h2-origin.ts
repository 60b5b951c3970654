/**
 * The origin of a client of HTTP/2 that speaks HTTP/2, too: a session, and a stream for each request. nghttp2
 * keeps a request over the origin's limit of streams, with its head, even if that was reset meanwhile. So
 * requests over the limit wait here, and leave at once if nobody wants them any more.
 */
import { type ClientHttp2Session, constants } from "node:http2";
import { type H2Exchange, passExchange } from "./h2-exchange.ts";
import { isGone } from "./h2-headers.ts";

/** Where requests go: a session of HTTP/2, or connections of HTTP/1.1. */
export interface H2Origin {
  /** What it sets as the exchange's `closed` lets it go at once. */
  pass(exchange: H2Exchange): void;
  close(): void;
}

export interface H2OriginOptions {
  /** How many streams there may be, whatever the origin takes. */
  readonly maxStreams: number;
  /** The origin takes no more, or is gone. */
  readonly onLeave: () => void;
}

export function createH2Origin(
  session: ClientHttp2Session,
  { maxStreams, onLeave }: H2OriginOptions,
): H2Origin {
  const waiting = new Set<H2Exchange>();
  /** Streams that nghttp2 may know. One that was reset is, until that has gone out. */
  let open = 0;
  session.on("error", () => undefined);
  session.on("goaway", leave);
  session.on("close", leave);
  session.on("remoteSettings", serve);

  /** What has not gone out may be tried anew elsewhere (RFC 9113 section 8.7). */
  function leave(): void {
    for (const exchange of waiting) exchange.reset(constants.NGHTTP2_REFUSED_STREAM);
    waiting.clear();
    onLeave();
  }

  function hasRoom(): boolean {
    return open < Math.min(maxStreams, session.remoteSettings.maxConcurrentStreams ?? maxStreams);
  }

  function serve(): void {
    for (const exchange of waiting) {
      if (session.closed || session.destroyed || !hasRoom()) return;
      waiting.delete(exchange);
      if (isGone(exchange.client)) continue;
      if (exchange.isCurrent()) send(exchange);
      else exchange.judgeAgain();
    }
  }

  function send(exchange: H2Exchange): void {
    const stream = passExchange(exchange, session);
    if (stream === undefined) return;
    open += 1;
    const letGo = exchange.kept.hold();
    stream.once("close", () => {
      open -= 1;
      letGo();
      serve();
    });
  }

  return {
    pass(exchange) {
      if (session.closed || session.destroyed) {
        exchange.reset(constants.NGHTTP2_REFUSED_STREAM);
        return;
      }
      waiting.add(exchange);
      exchange.closed = () => waiting.delete(exchange);
      serve();
    },
    close() {
      waiting.clear();
      session.destroy();
    },
  };
}
