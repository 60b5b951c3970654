/**
 * One request and its answer, on a connection of its own, over TCP or a unix socket. It knows whether the
 * other side may have received a byte.
 */
import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { ConnectionError } from "./errors.ts";

export interface Exchange {
  readonly url: URL;
  /** Connects there instead of the URL's host. */
  readonly socketPath: string | undefined;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Ends the exchange at any time. */
  readonly signal: AbortSignal;
}

/** Far more than any policy; a server that is not ours could send without end. */
const ANSWER_OCTETS_MAX = 64 << 20;

/** Throws ConnectionError, also if the signal ended it. Redirects are answers like others. */
export async function exchange(call: Exchange): Promise<Response> {
  return begin(call, readAnswer);
}

/** An answer that goes on as long as both sides like, or one that is over. */
export type Stream =
  | { readonly isOpen: true; readonly chunks: AsyncIterable<unknown> }
  | { readonly isOpen: false; readonly response: Response };

/** Both throw ConnectionError: this, and reading on, also if nothing came for `silenceMs`. */
export async function openStream(call: Exchange, silenceMs: number): Promise<Stream> {
  return begin(call, async (incoming) => {
    const isStream = incoming.headers["content-type"]?.startsWith("text/event-stream") === true;
    if (incoming.statusCode !== 200 || !isStream) {
      return { isOpen: false, response: await readAnswer(incoming) };
    }
    incoming.socket.setTimeout(silenceMs, () => {
      incoming.destroy(Object.assign(new Error("silent"), { code: "ETIMEDOUT" }));
    });
    return { isOpen: true, chunks: readChunks(incoming, call) };
  });
}

async function* readChunks(incoming: IncomingMessage, { socketPath, url }: Exchange): AsyncGenerator {
  try {
    yield* incoming;
  } catch (error) {
    throw new ConnectionError(codeOf(error), socketPath ?? url.origin, true, error);
  }
}

async function begin<T>(
  { url, socketPath, ...call }: Exchange,
  take: (incoming: IncomingMessage) => Promise<T>,
): Promise<T> {
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  // A connection of its own: one that is kept alive may be closed by the other side just when it is used
  // again.
  const options = { agent: false, ...(socketPath === undefined ? {} : { socketPath }) };
  const headers = { ...call.headers, "Content-Length": String(call.body.length) };
  const outgoing = request(url, { ...options, method: call.method, headers, signal: call.signal }, resolve);
  const connection = watchConnection(outgoing);
  outgoing.on("error", reject);
  outgoing.end(call.body);
  try {
    return await take(await promise);
  } catch (error) {
    outgoing.destroy();
    throw new ConnectionError(codeOf(error), socketPath ?? url.origin, connection.stood(), error);
  }
}

/**
 * Node gives the request to the socket before it is connected, and writes it then: no byte leaves without
 * this event.
 */
function watchConnection(outgoing: ClientRequest): { stood(): boolean } {
  let stood = false;
  outgoing.on("socket", (socket) => socket.once("connect", () => (stood = true)));
  return { stood: () => stood };
}

async function readAnswer(incoming: IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = [];
  let received = 0;
  for await (const chunk of incoming) {
    if (!Buffer.isBuffer(chunk)) continue;
    chunks.push(chunk);
    received += chunk.length;
    if (received > ANSWER_OCTETS_MAX) throw Object.assign(new Error("too long"), { code: "EMSGSIZE" });
  }
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(incoming.headersDistinct)) {
    for (const value of values) headers.append(name, value);
  }
  const status = incoming.statusCode ?? 0;
  const body = [204, 205, 304].includes(status) ? null : Buffer.concat(chunks);
  return new Response(body, { status, headers });
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "EPROTO";
}
