import type { IncomingMessage, ServerResponse } from "node:http";
import type { Refusal } from "../refusal.ts";
import type { Door } from "./door.ts";
import { createGrowingBuffer } from "./growing-buffer.ts";
import { release } from "./release.ts";

export interface BodyLimits {
  readonly octets: number;
  readonly deadlineMs: number;
}

/** As in the original, but a larger body is refused, not cut. Ten seconds carry a full body over 1 Mbit/s. */
export const BODY_LIMITS: BodyLimits = { octets: 1 << 20, deadlineMs: 10_000 };

export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

export interface BodyReading {
  readonly limits: BodyLimits;
  /**
   * By which the call came in, as long as its caller is not proved: the body may have to give way to others.
   */
  readonly unprovedAt?: Door | undefined;
}

/**
 * Reads the whole body. One octet too many, the deadline, or an end before the end is a refusal, and nothing
 * more is read. A caller that waits for `100 Continue` gets it here, so a refused one never sends its body.
 */
export async function readBody(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { limits, unprovedAt }: BodyReading,
): Promise<Read<Buffer>> {
  if (Number(incoming.headers["content-length"] ?? 0) > limits.octets) return tooLarge(limits);
  if (incoming.headers.expect !== undefined) outgoing.writeContinue();
  return collect(incoming, limits, unprovedAt);
}

/** A byte order mark stays: a body of nothing else is not blank. */
export function decodeBody(octets: Buffer): Read<string> {
  try {
    return { ok: true, value: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets) };
  } catch {
    return refused("bad-request", "the body is not UTF-8 text");
  }
}

async function collect(
  incoming: IncomingMessage,
  limits: BodyLimits,
  door: Door | undefined,
): Promise<Read<Buffer>> {
  const { promise, resolve } = Promise.withResolvers<Read<Buffer>>();
  const body = createGrowingBuffer(limits.octets);
  const held = door?.bodies.open(() => {
    body.release();
    resolve(TOO_MANY);
  });
  door?.rest(incoming.socket);
  const onData = (chunk: Buffer): void => {
    const isAdded = body.add(chunk);
    release(chunk);
    if (isAdded) held?.grow(body.capacity());
    else resolve(tooLarge(limits));
  };
  const onEnd = (): void => resolve({ ok: true, value: body.take() });
  const onClose = (): void => resolve(refused("bad-request", "the body ended too early"));
  const timer = setTimeout(() => {
    resolve(refused("body-timeout", `the body did not arrive within ${limits.deadlineMs / 1000} s`));
  }, limits.deadlineMs);
  incoming.on("data", onData).on("end", onEnd).on("error", onClose).on("close", onClose);
  const outcome = await promise;
  clearTimeout(timer);
  held?.close();
  door?.work(incoming.socket);
  incoming.pause().off("data", onData);
  if (!outcome.ok) body.release();
  return outcome;
}

const TOO_MANY = refused(
  "too-many-bodies",
  "too many callers who have not proved themselves send bodies: send the token, or sign with a Content-Digest, which is proved first",
);

function tooLarge(limits: BodyLimits): Read<never> {
  return refused("body-too-large", `the body is larger than ${limits.octets} octets`);
}

function refused(code: Refusal["code"], message: string): Read<never> {
  return { ok: false, refusal: { code, message } };
}
