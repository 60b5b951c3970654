import type { IncomingMessage, ServerResponse } from "node:http";
import type { Refusal } from "../refusal.ts";

export interface BodyLimits {
  readonly octets: number;
  readonly deadlineMs: number;
}

/** As in the original, but more is refused where that one cuts. Ten seconds carry a full body over 1 Mbit/s. */
export const BODY_LIMITS: BodyLimits = { octets: 1 << 20, deadlineMs: 10_000 };

export type Body =
  | { readonly ok: true; readonly text: string; readonly octets: Buffer }
  | { readonly ok: false; readonly refusal: Refusal };

/**
 * Reads the whole body as text. One octet too many, the deadline, or an end before the end is a refusal, and nothing more is read.
 * A caller that waits for `100 Continue` gets it here, so a refused one never sends its body.
 */
export async function readBody(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  limits: BodyLimits,
): Promise<Body> {
  if (Number(incoming.headers["content-length"] ?? 0) > limits.octets) return tooLarge(limits);
  if (incoming.headers.expect !== undefined) outgoing.writeContinue();
  const octets = await collect(incoming, limits);
  if (!Buffer.isBuffer(octets)) return octets;
  try {
    return { ok: true, text: new TextDecoder("utf-8", { fatal: true }).decode(octets), octets };
  } catch {
    return { ok: false, refusal: { code: "bad-request", message: "the body is not UTF-8 text" } };
  }
}

async function collect(incoming: IncomingMessage, limits: BodyLimits): Promise<Buffer | Body> {
  const { promise, resolve } = Promise.withResolvers<Buffer | Body>();
  const chunks: Buffer[] = [];
  let received = 0;
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk);
    received += chunk.length;
    if (received > limits.octets) resolve(tooLarge(limits));
  };
  const onEnd = (): void => resolve(Buffer.concat(chunks));
  const onClose = (): void => resolve(refused("bad-request", "the body ended too early"));
  const timer = setTimeout(() => {
    resolve(refused("body-timeout", `the body did not arrive within ${limits.deadlineMs / 1000} s`));
  }, limits.deadlineMs);
  incoming.on("data", onData).on("end", onEnd).on("error", onClose).on("close", onClose);
  const outcome = await promise;
  clearTimeout(timer);
  incoming.pause().off("data", onData);
  return outcome;
}

function tooLarge(limits: BodyLimits): Body {
  return refused("body-too-large", `the body is larger than ${limits.octets} octets`);
}

function refused(code: Refusal["code"], message: string): Body {
  return { ok: false, refusal: { code, message } };
}
