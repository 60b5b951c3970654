/** The header `Content-Digest` (RFC 9530): `sha-256=:BASE64:`, others beside it. */
import { createHash } from "node:crypto";

export function digestBody(body: Uint8Array): Buffer {
  return createHash("sha256").update(body).digest();
}

export function renderContentDigest(digest: Buffer): string {
  return `sha-256=:${digest.toString("base64")}:`;
}

/** The SHA-256, 32 octets; undefined if the header holds none, or more than one. */
export function parseContentDigest(header: string): Buffer | undefined {
  const [digest, ...more] = header.split(",").flatMap((part) => {
    const text = /^\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*$/.exec(part)?.[1];
    return text === undefined ? [] : [Buffer.from(text, "base64")];
  });
  return more.length === 0 ? digest : undefined;
}
