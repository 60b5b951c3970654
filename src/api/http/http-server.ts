/**
 * Node's HTTP server around the application, with limits, and with a text in the answers that Node's parser
 * sends by itself. It is not yet listening.
 *
 * The application is loaded by the first request that needs it: with hono come Node's web-standard `Request`
 * and `Response`, 7 MiB that most sidecars never use, since they are only asked for their health.
 */
import { type IncomingMessage, STATUS_CODES, type Server, ServerResponse, createServer } from "node:http";
import type { Socket } from "node:net";
import type { Health } from "../../enforcement/change/policy-control.ts";
import { type Connections, boundConnections } from "./connections.ts";
import { createGentleCloser } from "./gentle-close.ts";
import { asksForHealth, sayHealth } from "../healthz.ts";
import type { Door, DoorKind } from "./door.ts";
import { createInOrder, type Exchange } from "./in-order.ts";
import { boundRequestsAtOnce } from "./requests-at-once.ts";
import { release } from "./release.ts";
import { findFault } from "./sound-request.ts";
import { createUnprovedBodies } from "./unproved-bodies.ts";

/** Answers one request, whatever it is. Never rejects. */
export type Answer = (incoming: IncomingMessage, outgoing: ServerResponse, door: Door) => void;

/** What the server is around. */
export interface Application {
  readonly health: () => Promise<Health>;
  /** Whether audit mode is on. */
  readonly isAudit: () => boolean;
  /** Called by each request that asks for more than health. */
  readonly load: () => Promise<Answer>;
  /** Told why it could not be loaded. */
  readonly onError: (error: unknown) => void;
}

export interface HttpServer {
  readonly server: Server;
  readonly connections: Connections;
}

export interface HttpServerOptions {
  /** Who comes in by it. */
  readonly door: DoorKind;
  readonly limits?: HttpLimits;
}

export interface HttpLimits {
  readonly headersMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
  readonly connectionShare: number;
  /** Requests of one connection that arrive at once, or wait for their turn. */
  readonly pipelined: number;
}

/**
 * A caller sends its headers in one packet: five seconds are for a slow network, not for one that drips. The
 * whole request has longer than the body's own deadline, whose answer says more. 128 connections by each of
 * two doors cost 20 MiB, and leave most of the 1,024 file descriptors that a process often has for the
 * resolver. No client is known that sends a request before it has the last one's answer.
 */
export const HTTP_LIMITS: HttpLimits = {
  headersMs: 5000,
  requestMs: 15_000,
  keepAliveMs: 5000,
  connectionShare: 128,
  pipelined: 8,
};

export function createHttpServer(application: Application, options: HttpServerOptions): HttpServer {
  const { door: kind, limits = HTTP_LIMITS } = options;
  const server = createServer({
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(1000, limits.headersMs),
    // Node's own answer to a missing Host header has no body; ours is in `serve`.
    requireHostHeader: false,
  });
  // Over the unix socket, where Node accepts: more than the share for the turn in which newcomers are read.
  server.maxConnections = 2 * limits.connectionShare;
  const connections = boundConnections(server, limits.connectionShare);
  const { rest, work } = connections;
  const door: Door = { kind, bodies: createUnprovedBodies(), rest, work };
  const closer = createGentleCloser();
  const answerNow = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    outgoing.once("prefinish", () => forgetBody(incoming));
    if (incoming.socket.destroyed || closer.isClosing(incoming.socket)) return;
    // One that `createResponse` has made: the answers before it have had the socket until now.
    if (incoming.method === "CONNECT") outgoing.assignSocket(incoming.socket);
    const fault = findFault(incoming);
    if (fault !== undefined) sendText(outgoing, 400, fault);
    else void answerBy(application, { incoming, outgoing }, door);
  };
  const { serve, last } = createInOrder(limits.pipelined, answerNow);
  server.on("connection", (socket: Socket) => {
    closer.adopt(socket);
    boundRequestsAtOnce(socket, limits.pipelined);
    // The parser has copied what it wants of it.
    socket.on("data", release);
  });
  server.on("request", serve).on("checkContinue", serve);
  server.on("checkExpectation", (_incoming, outgoing: ServerResponse) => {
    sendText(outgoing, 417, "the only expectation that is met is 100-continue");
  });
  server.on("connect", (incoming, socket: Socket) => {
    // Node has taken its own listener off: without one a caller that resets the connection would end us.
    socket.on("error", () => socket.destroy());
    if (incoming.url?.startsWith("/") === true) serve(incoming, createResponse(incoming));
    else writeText(socket, 405, "method not allowed", ["Allow:"]);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    answerBrokenRequest(error, socket, last(socket));
  });
  return { server, connections };
}

/** To a CONNECT with a path, for which Node makes none: it is a method as any other here. */
function createResponse(incoming: IncomingMessage): ServerResponse {
  const outgoing = new ServerResponse(incoming);
  outgoing.shouldKeepAlive = false;
  outgoing.once("finish", () => incoming.socket.destroySoon());
  return outgoing;
}

/** What nobody has read of the body is freed as it comes: Node by itself reads it, and leaves it to V8. */
function forgetBody(incoming: IncomingMessage): void {
  if (incoming.readableLength === 0 && incoming.complete) return;
  incoming.on("data", release).resume().read(0);
}

async function answerBy(
  { health, isAudit, load, onError }: Application,
  { incoming, outgoing }: Exchange,
  door: Door,
): Promise<void> {
  try {
    if (asksForHealth(incoming)) sayHealth(await health(), outgoing, isAudit());
    else (await load())(incoming, outgoing, door);
  } catch (error) {
    onError(error);
    sendText(outgoing, 500, "internal error");
  }
}

/**
 * A broken request behind one that is still being answered waits for that answer, so that neither is taken
 * for the other.
 */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket, last: Exchange | undefined): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] = BROKEN_REQUESTS[error.code ?? ""] ?? [400, "the request is malformed"];
  const send = (): void => writeText(socket, status, message);
  if (last === undefined || last.outgoing.writableFinished) send();
  else if (last.outgoing.headersSent) socket.destroy();
  else if (last.incoming.complete) last.outgoing.once("finish", send);
  else send();
}

const BROKEN_REQUESTS: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, "the request's headers are larger than 16 KiB"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "the body's chunk extensions are too large"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "the request did not arrive in time"],
};

function sendText(outgoing: ServerResponse, status: number, message: string): void {
  const headers = { "Content-Type": "text/plain; charset=utf-8", Connection: "close" };
  outgoing.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(message) });
  outgoing.end(message);
}

/** Writes an answer where Node has no response object to write it with. */
function writeText(socket: Socket, status: number, message: string, headers: readonly string[] = []): void {
  if (!socket.writable) return;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(message)}`,
    ...headers,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n${message}`);
  socket.destroySoon();
}
