import { once } from "node:events";
import { type IncomingHttpHeaders, request } from "node:http";
import { type Socket, connect } from "node:net";
import { expect } from "vitest";
import { createAnswer } from "../../src/api/http/answer.ts";
import { type App, type AppParts, createApp } from "../../src/api/app.ts";
import {
  type Application,
  type HttpLimits,
  HTTP_LIMITS,
  createHttpServer,
} from "../../src/api/http/http-server.ts";
import type { PolicyControl } from "../../src/enforcement/change/policy-control.ts";
import { type Listener, listenTcp, listenUnix, type OpenAcceptor } from "../../src/api/http/listen.ts";
import { openAcceptor } from "../../src/sys/acceptor.ts";
import {
  type FakeWorld,
  type FakeWorldOptions,
  createFakeWorld,
} from "../enforcement/change/change-policy-ports.ts";

/** The real application on real sockets, over a fake kernel and disk. */
export interface ApiServer extends AsyncDisposable {
  readonly world: FakeWorld;
  readonly port: number;
  readonly listener: Listener;
  readonly errors: unknown[];
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
}

export interface CallOptions {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface ApiServerOptions extends Partial<AppParts>, FakeWorldOptions {
  readonly limits?: Partial<HttpLimits>;
  readonly socketPath?: string;
  /** Default: inside, as the tests are. */
  readonly door?: "inside" | "outside";
  /** Default: a free one. */
  readonly port?: number;
}

export async function startApi(options: ApiServerOptions = {}): Promise<ApiServer> {
  const { limits, socketPath, port: wanted = 0, door = "inside", ...rest } = options;
  const world = await createFakeWorld(rest);
  const errors: unknown[] = [];
  const app = createApp({
    control: world.changes,
    auth: { token: undefined, allowLocalWrites: true },
    onError: (error) => errors.push(error),
    ...rest,
  });
  const http = createHttpServer(applicationOf(app, world.changes), {
    door: socketPath === undefined ? door : "unix",
    limits: { ...HTTP_LIMITS, ...limits },
  });
  const listener =
    socketPath === undefined
      ? listenTcp(http, { host: "127.0.0.1", port: wanted }, openTestAcceptor)
      : await listenUnix(http, socketPath);
  const port = listener.local?.port ?? 0;
  const where = socketPath === undefined ? { host: "127.0.0.1", port } : { socketPath };
  return {
    world,
    port,
    listener,
    errors,
    call: (method, path, call = {}) => callApi({ ...where, method, path, ...call }),
    [Symbol.asyncDispose]: () => listener.close(0),
  };
}

/** As the sidecar's own, but of no group. */
export const openTestAcceptor: OpenAcceptor = (place) =>
  openAcceptor({ ...place, group: undefined, unreadOctets: 64 << 10, waitingOctets: 32 << 10 });

/** An application that is loaded already. */
export function applicationOf(
  app: App,
  { health, isAudit }: Pick<PolicyControl, "health" | "isAudit">,
): Application {
  const answer = createAnswer(app);
  return { health, isAudit, load: async () => answer, onError: (error) => expect.unreachable(String(error)) };
}

interface Call extends CallOptions {
  readonly method: string;
  readonly path: string;
  readonly host?: string;
  readonly port?: number;
  readonly socketPath?: string;
}

/** One call on a connection of its own. */
export async function callApi({ body, headers = {}, ...options }: Call): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  // Node's client frames the body of a DELETE only when it is told how long it is.
  const isFramed = body === undefined || "Transfer-Encoding" in headers;
  const length = isFramed ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
  const outgoing = request({ agent: false, ...options, headers: { ...length, ...headers } }, (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    response.on("error", reject);
  });
  outgoing.on("error", reject);
  outgoing.end(body);
  return promise;
}

/** A plain connection, for what no HTTP client would send. */
export interface RawConnection {
  readonly socket: Socket;
  /** All that came until the other side closed. */
  rest(): Promise<string>;
  /** Settles when a text has come. */
  seen(text: string): Promise<void>;
}

/** `place` is a port of this machine, or the path of a unix socket. */
export async function connectRaw(place: number | string): Promise<RawConnection> {
  const where = typeof place === "number" ? { host: "127.0.0.1", port: place } : { path: place };
  const socket = connect({ ...where, allowHalfOpen: true });
  let received = "";
  const ended = new Promise((resolve) => socket.once("close", resolve));
  socket.on("data", (chunk) => (received += chunk.toString()));
  socket.on("end", () => socket.end());
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return {
    socket,
    async rest() {
      await ended;
      return received;
    },
    async seen(text) {
      while (!received.includes(text)) await once(socket, "data");
    },
  };
}

/** Sends octets and gives all that comes back. */
export async function sendRaw(place: number | string, text: string): Promise<string> {
  const connection = await connectRaw(place);
  connection.socket.write(text);
  return connection.rest();
}
