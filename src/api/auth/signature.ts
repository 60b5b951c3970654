/**
 * A signed call: the caller proves that it knows the token without sending it, so that nobody who reads the
 * network learns it or can change what was said. The header, and what is under the HMAC-SHA256, whose key is
 * the token:
 *
 *     OPENSANDBOX-EGRESS-SIGNATURE: t=UNIX_MS,n=NONCE,v1=HEX
 *
 *     METHOD \n path?query \n t \n n \n hex SHA-256 of the body
 *
 * and, of a call with If-Match, \n and that header's value: who is on the way could else take the condition
 * away.
 *
 * If the call carries that hash as `Content-Digest`, too, the signature is proved before the body is read.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

/** What is signed. */
export interface SignedCall {
  readonly method: string;
  /** As in the request line, a proxy's own prefix taken away. */
  readonly pathAndQuery: string;
  /** SHA-256 of the body, 32 octets. */
  readonly bodyDigest: Buffer;
  /** The header If-Match, without blanks around it. */
  readonly ifMatch?: string | undefined;
}

/** The header, read. Nothing is proved yet. */
export interface Signature {
  readonly timeMs: number;
  /** 1 to 128 characters, no blank, no comma. */
  readonly nonce: string;
  /** 32 octets. */
  readonly mac: Buffer;
}

/** The header's value for a call. The nonce must be new for each call. */
export function renderSignature(
  token: string,
  call: SignedCall,
  { timeMs, nonce }: Omit<Signature, "mac">,
): string {
  return `t=${timeMs},n=${nonce},v1=${computeMac(token, call, { timeMs, nonce }).toString("hex")}`;
}

export function parseSignature(text: string): Signature | undefined {
  const [, timeMs, nonce, mac] =
    /^t=(\d{1,15}),n=([\x21-\x2b\x2d-\x7e]{1,128}),v1=([0-9a-f]{64})$/.exec(text) ?? [];
  if (timeMs === undefined || nonce === undefined || mac === undefined) return undefined;
  return { timeMs: Number(timeMs), nonce, mac: Buffer.from(mac, "hex") };
}

/**
 * Whether the signature was made with the token for this very call; takes the same time wherever it differs.
 */
export function isSignatureOf(token: string, call: SignedCall, signature: Signature): boolean {
  return timingSafeEqual(signature.mac, computeMac(token, call, signature));
}

function computeMac(token: string, call: SignedCall, { timeMs, nonce }: Omit<Signature, "mac">): Buffer {
  const { method, pathAndQuery, bodyDigest, ifMatch } = call;
  const condition = ifMatch === undefined ? [] : [ifMatch];
  const signed = [method, pathAndQuery, timeMs, nonce, bodyDigest.toString("hex"), ...condition];
  return createHmac("sha256", token).update(signed.join("\n")).digest();
}
