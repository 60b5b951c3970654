/**
 * The calls' way to the sidecar: proof of the token, and tries again.
 *
 * A call is tried again only if no answer came. Where the connection did not come about, nothing was sent,
 * so any call is. Where it did, the sidecar may have made the change: then only reads and dry runs are, and
 * changes that carry the entity tag they are meant for. Such a change can't be made twice: if the first try
 * was made, the second finds another tag and is refused, and the error says that this may be the call's own
 * doing. PUT is not repeated without a tag either, although HTTP calls it idempotent: in between another
 * caller's change may have been made, and would be undone.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { SIGNATURE_HEADER, TOKEN_HEADER } from "../api/headers.ts";
import { digestBody, renderContentDigest } from "../api/auth/content-digest.ts";
import { renderSignature } from "../api/auth/signature.ts";
import { ConnectionError } from "./errors.ts";
import { type Exchange, exchange, openStream, type Stream } from "./exchange.ts";

export interface TransportOptions {
  /** The URL of the API, its path being a proxy's own, or the file of the unix socket. */
  readonly endpoint: { readonly url: string } | { readonly socketPath: string };
  readonly token: string | undefined;
  /**
   * `signature` proves the token without sending it; `token` sends it, for sidecars and proxies that know no
   * signatures.
   */
  readonly proof: "signature" | "token";
  /** Sent with each call, for proxies on the way. */
  readonly headers: Readonly<Record<string, string>>;
  /** For a call with all its tries. */
  readonly timeoutMs: number;
  /** Tries after the first. */
  readonly retries: number;
}

export interface Transport {
  readonly baseUrl: string;
  send(request: Request): Promise<Response>;
  /** One try of a read, whose answer may go on for as long as the request's signal lets it. */
  open(request: Request): Promise<Stream>;
  /** Whether an earlier try of the call got no answer after it was sent. */
  followsLostAnswer(response: Response): boolean;
}

export function createTransport(options: TransportOptions): Transport {
  const { endpoint, timeoutMs, retries } = options;
  const socketPath = "socketPath" in endpoint ? endpoint.socketPath : undefined;
  const base = new URL("url" in endpoint ? endpoint.url : "http://localhost");
  const place = socketPath ?? base.origin;
  const afterLostAnswer = new WeakSet<Response>();

  const sender: Sender = { options, socketPath, base };
  const isSigned = signs(sender);
  /** Signed changes go one after the other: one that another overtakes on the way would be refused. */
  let changes: Promise<unknown> = Promise.resolve();
  async function send(request: Request): Promise<Response> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([request.signal, timeout]);
    if (request.method === "GET" || !isSigned) return sendNow(request, { signal, timeout });
    const change = settledOrAborted(changes, signal).then(() => sendNow(request, { signal, timeout }));
    changes = Promise.allSettled([changes, change]);
    return change;
  }

  async function sendNow(
    request: Request,
    { signal, timeout }: { readonly signal: AbortSignal; readonly timeout: AbortSignal },
  ): Promise<Response> {
    const body = new Uint8Array(await request.arrayBuffer());
    const url = new URL(request.url);
    const call = { url, socketPath, method: request.method, body, signal };
    let wasLost = false;
    for (let tried = 0; ; tried += 1) {
      try {
        const response = await exchange({ ...call, headers: headersFor(request, call, sender) });
        if (wasLost) afterLostAnswer.add(response);
        return response;
      } catch (error) {
        request.signal.throwIfAborted();
        if (!(error instanceof ConnectionError)) throw error;
        wasLost ||= error.mayBeDone;
        if (timeout.aborted) throw new ConnectionError("ETIMEDOUT", place, wasLost, error);
        if (tried >= retries || (error.mayBeDone && !mayRepeat(request, url))) throw error;
      }
      await delay(FIRST_DELAY_MS << tried, undefined, { signal }).catch(() => undefined);
    }
  }

  async function open(request: Request): Promise<Stream> {
    const call = { url: new URL(request.url), method: request.method, body: new Uint8Array() };
    const headers = headersFor(request, call, sender);
    return openStream({ ...call, socketPath, headers, signal: request.signal }, SILENCE_MS);
  }

  return { baseUrl: base.href, send, open, followsLostAnswer: (response) => afterLostAnswer.has(response) };
}

interface Sender {
  readonly options: Pick<TransportOptions, "token" | "proof" | "headers">;
  readonly socketPath: string | undefined;
  readonly base: URL;
}

function signs({ options, socketPath }: Pick<Sender, "options" | "socketPath">): boolean {
  return options.token !== undefined && options.proof === "signature" && socketPath === undefined;
}

/** Each try is signed anew, because a signature is good once. On the unix socket no token is asked for. */
function headersFor(
  request: Request,
  call: Pick<Exchange, "url" | "method" | "body">,
  { options, socketPath, base }: Sender,
): Record<string, string> {
  const headers = { ...Object.fromEntries(request.headers), ...options.headers };
  if (options.token === undefined || socketPath !== undefined) return headers;
  if (!signs({ options, socketPath })) return { ...headers, [TOKEN_HEADER]: options.token };
  const { url, method, body } = call;
  const pathAndQuery = withoutPrefix(url, base);
  const bodyDigest = digestBody(body);
  const ifMatch = new Headers(headers).get("If-Match") ?? undefined;
  const signature = renderSignature(options.token, { method, pathAndQuery, bodyDigest, ifMatch }, drawOnce());
  // With the digest the sidecar knows before it reads the body that the call is ours.
  return { ...headers, [SIGNATURE_HEADER]: signature, "Content-Digest": renderContentDigest(bodyDigest) };
}

function drawOnce() {
  return { timeMs: Date.now(), nonce: randomUUID() };
}

const FIRST_DELAY_MS = 100;
/** A stream has something to say every 15 s. */
const SILENCE_MS = 60_000;

async function settledOrAborted(before: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onAbort = (): void => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) resolve();
  await Promise.race([before, promise]);
  signal.removeEventListener("abort", onAbort);
}

function mayRepeat(request: Request, url: URL): boolean {
  if (request.method === "GET" || url.searchParams.get("dryRun") === "true") return true;
  const tag = request.headers.get("If-Match")?.trim();
  return tag !== undefined && tag !== "*";
}

/** The path as the sidecar sees it: a proxy takes its own part away. */
function withoutPrefix(url: URL, base: URL): string {
  const prefix = base.pathname.replace(/\/$/, "");
  return url.pathname.slice(prefix.length) + url.search;
}
