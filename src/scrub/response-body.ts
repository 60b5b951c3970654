/** What becomes of a response's body from a host that has got a secret. */
import { hasEnvelopes } from "./message-frames.ts";
import type { BodyShape } from "./redactor.ts";
import type { Fill } from "./spans.ts";
import { mediaTypeOf } from "./request-filler.ts";

/**
 * Asked of the far end in place of the client's own, so that bodies can be read; all but the first only where
 * the client has asked.
 */
export const REQUEST_CODINGS = {
  "accept-encoding": "identity",
  "grpc-accept-encoding": "identity",
  "connect-accept-encoding": "identity",
} as const;

/**
 * `pass`: no text, such as a picture. `refuse`: it cannot be read, though identity was asked for.
 */
export type BodyPlan =
  | { readonly kind: "pass" }
  | { readonly kind: "redact"; readonly fill: Fill; readonly shape: BodyShape }
  | { readonly kind: "refuse"; readonly reason: string };

/** The response's header fields; undefined if absent. */
export interface BodyFields {
  readonly contentType: string | undefined;
  readonly contentCoding: string | undefined;
  /** Of a message of gRPC's or Connect's. */
  readonly messageEncoding: string | undefined;
}

/**
 * Types of which no part is text that a server writes, by name: pictures, sound and fonts have types that are
 * text, such as playlists with tokens in their URLs. A type that is not known may be text.
 */
const NO_TEXT: ReadonlySet<string> = new Set([
  ..."apng avif bmp gif heic heif jp2 jpeg jpg jxl png tiff vnd.microsoft.icon webp x-icon x-ms-bmp x-png"
    .split(" ")
    .map((name) => `image/${name}`),
  ..."3gpp aac amr flac m4a mp3 mp4 mpeg ogg opus vorbis wav webm x-aac x-flac x-m4a x-wav"
    .split(" ")
    .map((name) => `audio/${name}`),
  ..."3gpp h264 h265 mp2t mp4 mpeg ogg quicktime webm x-flv x-m4v x-matroska x-ms-wmv x-msvideo"
    .split(" ")
    .map((name) => `video/${name}`),
  ..."collection otf sfnt ttf woff woff2".split(" ").map((name) => `font/${name}`),
  ..."gzip java-archive octet-stream pdf wasm x-7z-compressed x-bzip2 x-debian-package x-gzip x-tar x-xz x-zstd zip zstd"
    .split(" ")
    .map((name) => `application/${name}`),
]);
const LAYERS = /^application\/vnd\.(?:oci\.image\.layer|docker\.image\.rootfs)\./;

/** Of several types in one field any may count. */
function hasNoText(contentType: string): boolean {
  return contentType.split(",").every((one) => {
    const media = mediaTypeOf(one);
    return NO_TEXT.has(media) || LAYERS.test(media);
  });
}

export function planBody({
  contentType = "",
  contentCoding = "",
  messageEncoding = "",
}: BodyFields): BodyPlan {
  const media = mediaTypeOf(contentType);
  if (hasNoText(contentType)) return { kind: "pass" };
  if (!isIdentity(contentCoding))
    return { kind: "refuse", reason: "the answer is compressed, though that was not asked for" };
  if (EVENTSTREAM.test(media)) return { kind: "redact", fill: "stars", shape: { frames: "eventstream" } };
  const isFramed = hasEnvelopes(media);
  if (!isFramed && !media.startsWith("application/grpc-web-text"))
    return { kind: "redact", fill: "word", shape: { delimiter: delimiterOf(contentType) } };
  if (!isIdentity(messageEncoding))
    return { kind: "refuse", reason: "the answer's messages are compressed, though that was not asked for" };
  return { kind: "redact", fill: "stars", shape: { frames: isFramed ? "envelope" : undefined } };
}

/** RFC 2046 section 5.1.1. Subscriptions of GraphQL wait for it behind each event. */
function delimiterOf(contentType: string): string | undefined {
  const match = /^multipart\/[^;]*;(?:.*;)?\s*boundary=(?:"(?<quoted>[^"\\]+)"|(?<token>[^\s;"]+))/i.exec(
    contentType,
  );
  const boundary = match?.groups?.["quoted"] ?? match?.groups?.["token"];
  return boundary === undefined ? undefined : `--${boundary}`;
}

const EVENTSTREAM = /^application\/vnd\.amazon\.eventstream$/;

function isIdentity(coding: string): boolean {
  return ["", "identity"].includes(coding.trim().toLowerCase());
}
