/**
 * HTTP/2 from a client to the origin behind its flow: a session to each, a stream to the origin for each of
 * the client's. The session to the origin is opened for the first request; when it goes away, the client is
 * told to go, and opens another connection. To an origin that speaks HTTP/1.1 alone requests go over
 * connections of that.
 */
import {
  connect,
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { admit } from "../admit.ts";
import { gateH2Request } from "../gate/h2-request.ts";
import { type Refusal, renderRefusalBody } from "../gate/refusal.ts";
import { SCHEME_PORTS } from "../../vault/binding.ts";
import type { VaultInForce } from "../../vault/vault-in-force.ts";
import { closeInTime } from "./end-gently.ts";
import { createH1Origins } from "./h1-origins.ts";
import type { H2Exchange } from "./h2-exchange.ts";
import { AS_THEY_CAME, isGone } from "./h2-headers.ts";
import { createH2Kept, type KeptStream, listOctets } from "./h2-kept.ts";
import { createH2Origin, type H2Origin } from "./h2-origin.ts";
import { createTurns } from "./in-turns.ts";
import { IDLE_MS, type RelayOptions, tellInjected, untilPrepared, usesGoneCredential } from "./options.ts";
import { createResetBound } from "./reset-bound.ts";
import { resetStream } from "./reset-stream.ts";
import { createSentFence } from "./sent-fence.ts";
import { toRefusal } from "./upstream-refusal.ts";

interface TakenStream {
  readonly stream: ServerHttp2Stream;
  /** Nothing once it is closed: who still has it keeps no head. */
  raw: readonly string[];
  readonly hasBody: boolean;
  readonly kept: KeptStream;
  /** Once they have come. */
  trailers: readonly string[];
  /** Once its request is admitted. */
  exchange: H2Exchange | undefined;
  isOut: boolean;
  isAgain: boolean;
  /** By us, not by its client. */
  isReset: boolean;
}

/** What one side may send of a stream before the other has taken it (RFC 9113 section 5.2). */
const STREAM_WINDOW_OCTETS = 1 << 20;
/** Node counts what waits in a session, in MB, and refuses streams over it. */
const SESSION_MEMORY_MB = 64;

const MAX_HEADER_OCTETS = 64 * 1024;

/**
 * Node sends what a turn has written at its end: a client that asks a hundred times at once would have the
 * origin idle until all are judged.
 */
const REQUESTS_A_TURN = 16;

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_FLAG_END_STREAM, NGHTTP2_NO_ERROR } = constants;

/** Resolves when the client's connection is closed, and the origin's with it. */
export function relayHttp2(options: RelayOptions): Promise<void> {
  const { client, flow, tell } = options;
  const over = Promise.withResolvers<void>();
  const abort = new AbortController();
  const admitted = new Set<TakenStream>();
  const { port } = flow.destination;
  const authority = port === SCHEME_PORTS[flow.scheme] ? flow.name : `${flow.name}:${port}`;
  /** They wait for the origin to be reached. */
  const unopened = new Set<H2Exchange>();
  let isOpening = false;
  let origin: H2Origin | undefined;
  const resets = createResetBound(() => performance.now());
  const room = options.rooms.take();
  const kept = createH2Kept(options.keeps);
  const settings = {
    initialWindowSize: Math.min(STREAM_WINDOW_OCTETS, room.windowOctets),
    maxHeaderListSize: MAX_HEADER_OCTETS,
  };

  const turns = createTurns<TakenStream>({
    perTurn: REQUESTS_A_TURN,
    isGone: ({ stream }) => isGone(stream),
    take: takePrepared,
  });
  const session = performServerHandshake(client, {
    ...AS_THEY_CAME,
    settings: { ...settings, maxConcurrentStreams: room.maxStreams },
    maxSessionMemory: SESSION_MEMORY_MB,
  });
  const fence = createSentFence(session, client);
  session.setLocalWindowSize(room.windowOctets);
  session.setTimeout(IDLE_MS, () => session.destroy());
  session.on("error", () => undefined);
  session.on("stream", (stream, _headers, flags, raw) => takeStream(stream, flags, raw));
  const unsubscribe = options.vault.subscribe((after) => {
    for (const taken of admitted) judgeAgain(taken, after);
  });
  client.once("close", () => {
    unsubscribe();
    abort.abort();
    fence.close();
    origin?.close();
    session.destroy();
    room.release();
    over.resolve();
  });

  function takeStream(stream: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    const hasBody = (flags & NGHTTP2_FLAG_END_STREAM) === 0;
    const keptStream = kept.open(raw);
    const fresh = { exchange: undefined, isOut: false, isAgain: false, isReset: false };
    const taken: TakenStream = { stream, raw, hasBody, kept: keptStream, trailers: [], ...fresh };
    stream.on("error", () => undefined);
    const letGo = keptStream.hold();
    stream.on("close", () => leaveStream(taken, letGo));
    if (hasBody)
      stream.once("trailers", (_headers, _flags, all: readonly string[]) => {
        taken.trailers = all;
        keptStream.add(listOctets(all));
      });
    turns.add(taken);
  }

  function leaveStream(taken: TakenStream, letGo: () => void): void {
    const { stream, exchange } = taken;
    admitted.delete(taken);
    taken.exchange = undefined;
    taken.raw = [];
    exchange?.closed?.();
    if (stream.rstCode === NGHTTP2_NO_ERROR && !stream.aborted) return letGo();
    fence.behind(letGo);
    if (!taken.isReset && !session.destroyed && !resets.admits()) calm();
  }

  /** RFC 9113 section 10.5. */
  function calm(): void {
    options.shed?.("too many resets");
    session.destroy(new Error("too many resets"), NGHTTP2_ENHANCE_YOUR_CALM);
    closeInTime(client);
    origin?.close();
  }

  function takePrepared(taken: TakenStream): void {
    const prepared = untilPrepared(options);
    if (prepared === undefined) takeRequest(taken);
    else void prepared.then(() => turns.add(taken));
  }

  function takeRequest(taken: TakenStream): void {
    const { stream, raw, hasBody } = taken;
    if (isGone(stream)) return;
    const request = gateH2Request(raw, { scheme: flow.scheme, hasBody });
    if (request.kind === "refused") return answer(taken, request, "");
    const { rules, findChange } = options;
    const judgedBy = rules?.revision();
    const admission = admit(request, { flow, vault: options.vault.inForce(), rules, findChange });
    if (admission.kind === "refused") return answer(taken, admission, request.method);
    admitted.add(taken);
    const exchange: H2Exchange = {
      client: stream,
      admission,
      authority,
      scheme: flow.scheme,
      trailers: () => taken.trailers,
      kept: taken.kept,
      isCurrent: () => rules?.revision() === judgedBy,
      judgeAgain: () => withdraw(taken),
      goesOut() {
        taken.isOut = true;
        tellInjected(options, admission);
      },
      isAgain: taken.isAgain,
      askAgain() {
        taken.isAgain = true;
        withdraw(taken);
      },
      closed: undefined,
      answer: (refusal) => answer(taken, refusal, request.method),
      cut(text) {
        tell.cut({ host: flow.name, text });
        reset(taken, NGHTTP2_CANCEL);
      },
      reset: (code) => reset(taken, code),
    };
    taken.exchange = exchange;
    if (origin === undefined) waitForOrigin(exchange);
    else pass(exchange, origin);
  }

  /** What has not gone out yet goes by the vault as it is now: it may have another binding, or none. */
  function judgeAgain(taken: TakenStream, after: VaultInForce): void {
    if (usesGoneCredential(taken.exchange?.admission.binding, after))
      taken.exchange?.cut("a credential that the request uses was deleted");
    else if (taken.exchange !== undefined && !taken.isOut) withdraw(taken);
  }

  function withdraw(taken: TakenStream): void {
    const { exchange, isOut } = taken;
    taken.exchange = undefined;
    taken.isOut = false;
    if (!isOut) exchange?.closed?.();
    turns.add(taken);
  }

  function waitForOrigin(exchange: H2Exchange): void {
    unopened.add(exchange);
    exchange.closed = () => unopened.delete(exchange);
    if (isOpening) return;
    isOpening = true;
    void openForAll();
  }

  async function openForAll(): Promise<void> {
    const opened = await openOrigin().catch((error: unknown) => toRefusal(error));
    isOpening = false;
    const all = [...unopened];
    unopened.clear();
    for (const exchange of all) {
      if (!exchange.isCurrent()) exchange.judgeAgain();
      else if ("pass" in opened) pass(exchange, opened);
      else exchange.answer(opened);
    }
  }

  async function openOrigin(): Promise<H2Origin> {
    const { signal } = abort;
    const { socket, protocol } = await options.connectUpstream({ protocols: ["h2", "http/1.1"], signal });
    const connectH1 = async (): Promise<Socket> =>
      (await options.connectUpstream({ protocols: ["http/1.1"], signal })).socket;
    const { lineRooms: rooms } = options;
    origin =
      protocol === "h2"
        ? openSession(socket)
        : createH1Origins(socket, { connect: connectH1, rooms, count: kept.count });
    if (client.destroyed) origin.close();
    return origin;
  }

  function openSession(socket: Socket): H2Origin {
    const opened = connect(`${flow.scheme}://${authority}`, {
      ...AS_THEY_CAME,
      createConnection: () => socket,
      settings: { ...settings, enablePush: false },
      maxSessionMemory: SESSION_MEMORY_MB,
    });
    opened.setLocalWindowSize(room.windowOctets);
    return createH2Origin(opened, { maxStreams: room.maxStreams, onLeave: () => leave(session) });
  }

  function reset(taken: TakenStream, code: number): void {
    if (taken.stream.closed) return;
    taken.isReset = true;
    resetStream(taken.stream, code);
  }

  function answer(taken: TakenStream, refusal: Refusal, method: string): void {
    const { stream } = taken;
    const { status, text } = refusal;
    const body = renderRefusalBody(refusal);
    if (refusal.rule === undefined) tell.refused({ host: flow.name, method, status, text });
    if (isGone(stream)) return;
    if (stream.headersSent) return reset(taken, NGHTTP2_CANCEL);
    stream.respond({ ":status": status, "content-type": body.type });
    stream.resume();
    stream.end(method === "HEAD" ? "" : body.text, () => stream.close(NGHTTP2_NO_ERROR));
  }

  return over.promise;
}

function pass(exchange: H2Exchange, to: H2Origin): void {
  if (!isGone(exchange.client)) to.pass(exchange);
}

/** Streams that are under way end as they do; no more are taken. */
function leave(session: ServerHttp2Session): void {
  if (!session.closed && !session.destroyed) session.close();
}
