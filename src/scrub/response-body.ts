/** What becomes of a response's body from a host that has got a secret. */
import type { Fill } from "./redactor.ts";
import { mediaTypeOf } from "./request-filler.ts";

/** Asked of the far end in place of the client's own, so that bodies can be read. */
export const REQUEST_CODINGS = { "accept-encoding": "identity", "grpc-accept-encoding": "identity" } as const;

/** `pass`: no text, such as a picture. `refuse`: it cannot be read, though identity was asked for. */
export type BodyPlan =
  | { readonly kind: "pass" }
  | { readonly kind: "redact"; readonly fill: Fill }
  | { readonly kind: "refuse"; readonly reason: string };

/** The response's header fields; undefined if absent. */
export interface BodyFields {
  readonly contentType: string | undefined;
  readonly contentCoding: string | undefined;
  readonly grpcEncoding: string | undefined;
}

/** Types of which no part is text that a server writes. A type that is not known may be text. */
const NO_TEXT =
  /^(?:image\/(?!svg)|audio\/|video\/|font\/|application\/(?:octet-stream|pdf|zip|gzip|x-(?:gzip|tar|bzip2|xz|7z-compressed|zstd)|zstd|wasm|vnd\.oci\.image\.layer\..*|vnd\.docker\.image\.rootfs\..*|java-archive|x-debian-package)$)/;

export function planBody({ contentType = "", contentCoding = "", grpcEncoding = "" }: BodyFields): BodyPlan {
  const media = mediaTypeOf(contentType);
  if (NO_TEXT.test(media)) return { kind: "pass" };
  if (!isIdentity(contentCoding))
    return { kind: "refuse", reason: "the answer is compressed, though that was not asked for" };
  if (!media.startsWith("application/grpc")) return { kind: "redact", fill: "word" };
  if (!isIdentity(grpcEncoding))
    return { kind: "refuse", reason: "the answer's messages are compressed, though that was not asked for" };
  // Each message tells its length before it.
  return { kind: "redact", fill: "stars" };
}

function isIdentity(coding: string): boolean {
  return ["", "identity"].includes(coding.trim().toLowerCase());
}
