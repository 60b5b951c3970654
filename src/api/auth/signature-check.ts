/**
 * Whether a signed call is its signer's, new, and in order.
 *
 * A signature whose call carries the body's digest is proved, and its nonce taken, before the body is read;
 * else with the whole body. A change that was signed before the last one that was made is refused, whatever
 * its nonce: somebody on the way may have held it back until it fits him. So of two signers whose changes
 * cross, one has to sign again.
 */
import type { ApiContext } from "../context.ts";
import { SIGNATURE_HEADER } from "../headers.ts";
import type { Refusal } from "../refusal.ts";
import type { AuthParts, Sender } from "./sender.ts";
import { digestBody, parseContentDigest } from "./content-digest.ts";
import { SIGNATURE_AHEAD_MS, SIGNATURE_LIFE_MS, createSeenNonces } from "./seen-nonces.ts";
import { type Signature, isSignatureOf, parseSignature } from "./signature.ts";
import { unauthorized } from "./unauthorized.ts";

/** For calls that carry a signature header, whatever is in it. */
export interface SignatureCheck {
  /** For a call without a body. */
  refuseRead(c: ApiContext): Refusal | undefined;
  /** Before the body is read. */
  refuseSender(c: ApiContext): Sender;
  /** With the whole body. */
  refuseChange(c: ApiContext, body: Uint8Array, change: { readonly dryRun: boolean }): Refusal | undefined;
}

export function createSignatureCheck(token: string, { nowMs, startMs }: AuthParts): SignatureCheck {
  const nonces = createSeenNonces();
  /** When the last change was signed that was proved. */
  let lastChangeMs = startMs;

  function refuseTime({ timeMs }: Signature): Refusal | undefined {
    const aheadMs = timeMs - nowMs();
    if (aheadMs > SIGNATURE_AHEAD_MS) return tooFarAhead(aheadMs);
    if (-aheadMs > SIGNATURE_LIFE_MS) return OUT_OF_TIME;
    // A nonce is remembered as long as we run: what was signed before may have been sent to the process
    // before us.
    return timeMs < startMs ? BEFORE_START : undefined;
  }

  function refuseProof(c: ApiContext, signature: Signature, bodyDigest: Buffer): Refusal | undefined {
    const { method = "", url: pathAndQuery = "", headers } = c.env.incoming;
    const call = { method, pathAndQuery, bodyDigest, ifMatch: headers["if-match"] };
    return isSignatureOf(token, call, signature) ? undefined : WRONG;
  }

  const refuseNonce = ({ nonce, timeMs }: Signature): Refusal | undefined =>
    nonces.take(nonce, timeMs, nowMs()) ? undefined : USED;

  return {
    refuseRead(c) {
      const signature = readSignature(c);
      if (signature === undefined) return UNREADABLE;
      return refuseTime(signature) ?? refuseProof(c, signature, EMPTY) ?? refuseNonce(signature);
    },
    refuseSender(c) {
      const signature = readSignature(c);
      if (signature === undefined) return { ok: false, refusal: UNREADABLE };
      const told = readDigest(c);
      const refusal =
        refuseTime(signature) ??
        (told === undefined ? undefined : (refuseProof(c, signature, told) ?? refuseNonce(signature)));
      return refusal === undefined
        ? { ok: true, isProved: told !== undefined, isSigned: true }
        : { ok: false, refusal };
    },
    refuseChange(c, body, { dryRun }) {
      const signature = readSignature(c);
      if (signature === undefined) return UNREADABLE;
      const told = readDigest(c);
      const actual = digestBody(body);
      const refusal =
        told === undefined
          ? (refuseProof(c, signature, actual) ?? refuseNonce(signature))
          : told.equals(actual)
            ? undefined
            : WRONG;
      if (refusal !== undefined || dryRun) return refusal;
      if (signature.timeMs < lastChangeMs) return OVERTAKEN;
      lastChangeMs = signature.timeMs;
      return undefined;
    },
  };
}

const EMPTY = digestBody(new Uint8Array());

function readSignature(c: ApiContext): Signature | undefined {
  const sent = c.env.incoming.headers[SIGNATURE_HEADER.toLowerCase()];
  return typeof sent === "string" ? parseSignature(sent) : undefined;
}

function readDigest(c: ApiContext): Buffer | undefined {
  const sent = c.env.incoming.headers["content-digest"];
  return typeof sent === "string" ? parseContentDigest(sent) : undefined;
}

const UNREADABLE = unauthorized(`${SIGNATURE_HEADER} is not t=UNIX_MS,n=NONCE,v1=HEX`);
const WRONG = unauthorized("the signature is not this call's");
const USED = unauthorized("the signature was used before: sign each call anew");
const OVERTAKEN = unauthorized(
  "a change that was signed later has been made: look at the policy, and sign again",
);
const BEFORE_START = unauthorized("it was signed before the sidecar started: sign it again");
const OUT_OF_TIME = unauthorized(
  `it was signed more than ${SIGNATURE_LIFE_MS / 1000} s ago by our clock: sign it again, and check the clocks`,
);

/** Told in full: a caller sees by how much its clock is wrong. */
function tooFarAhead(aheadMs: number): Refusal {
  return unauthorized(
    `the signature's time is ${Math.ceil(aheadMs / 1000)} s ahead of ours, and ${SIGNATURE_AHEAD_MS / 1000} s are taken: set the clock right, and sign it again`,
  );
}
