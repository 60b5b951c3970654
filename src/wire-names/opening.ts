/**
 * How clients of SSH and PostgreSQL begin, read strictly: what is neither TLS nor HTTP, and not whole or not
 * in this form, is no other protocol's either as far as anybody could tell. Pure, as `first-octets.ts` is;
 * never throws, whatever the octets.
 *
 *     SSH          "SSH-2.0-" printable... CR? LF, then the first packet: length:4 padding:1 type:1, SSH_MSG_KEXINIT; RFC 4253 sections 4.2, 6, 7.1
 *     PostgreSQL   SSLRequest or GSSENCRequest any number of times, then TLS, or
 *                  StartupMessage    length:4 version:4 (name NUL value NUL)* NUL
 *                  CancelRequest     length:4 code:4 process:4 key; protocol-message-formats of its manual
 *
 * Known limits: PostgreSQL's GSSAPI encryption is not read, and is none of them. TLS that begins behind
 * PostgreSQL's request is read as TLS, in `first-octets.ts`.
 */
import type { Spoken } from "../policy/app.ts";
import { behindPostgres, MAX_REQUESTS_OCTETS } from "./first-octets.ts";
import type { Shown } from "./shown.ts";

/** `other`: neither. `end`: where what had to be read ends. */
export type Opening =
  | { readonly kind: "incomplete" }
  | { readonly kind: "ssh" | "postgres"; readonly end: number }
  | { readonly kind: "other" };

/**
 * What a client speaks by all that it has sent so far, which shows `kind`; undefined: that takes more
 * octets. An incomplete hello is TLS.
 */
export function readApp(kind: Shown["kind"], stream: Buffer): Spoken | undefined {
  if (kind === "http") return "http";
  // No record of TLS begins with it, but PostgreSQL's request for TLS.
  if (kind !== "other") return stream[0] === 0 ? "postgres" : "tls";
  const opening = readOpening(stream);
  return opening.kind === "incomplete" ? undefined : opening.kind;
}

/** What a refused client that has shown `kind` seems to speak; undefined if it has shown a name. */
export function guessApp(kind: Shown["kind"], stream: Buffer): Spoken | undefined {
  if (kind !== "other") return undefined;
  const opening = readOpening(stream);
  if (opening.kind !== "incomplete") return opening.kind;
  return stream[0] === 0 ? "postgres" : "ssh";
}

/** Reads all that a client has sent so far. */
export function readOpening(stream: Buffer): Opening {
  const text = stream.toString("latin1", 0, IDENTIFICATION.length);
  if (text === IDENTIFICATION.slice(0, text.length)) return readSsh(stream);
  return readPostgres(stream, behindPostgres(stream));
}

const INCOMPLETE: Opening = { kind: "incomplete" };
const NEITHER: Opening = { kind: "other" };

const IDENTIFICATION = "SSH-2.0-";
/** With CR LF. */
const MAX_IDENTIFICATION = 255;
const IS_IDENTIFICATION = /^SSH-2\.0-[\x20-\x7e]*\r?\n$/;
const LINE_FEED = 0x0a;
const PACKET_HEADER = 6;
const [LEAST_PACKET, MOST_PACKET, LEAST_PADDING] = [12, 35_000, 4];
const SSH_MSG_KEXINIT = 20;

function readSsh(stream: Buffer): Opening {
  const line = stream.subarray(0, MAX_IDENTIFICATION);
  const at = line.indexOf(LINE_FEED) + 1;
  if (at === 0) return line.length < MAX_IDENTIFICATION ? INCOMPLETE : NEITHER;
  if (!IS_IDENTIFICATION.test(line.toString("latin1", 0, at))) return NEITHER;
  const packet = stream.subarray(at, at + PACKET_HEADER);
  // A line of text would show by its first octet.
  if ((packet[0] ?? 0) !== 0) return NEITHER;
  if (packet.length < PACKET_HEADER) return INCOMPLETE;
  const length = packet.readUInt32BE(0);
  const isFirst =
    length >= LEAST_PACKET &&
    length <= MOST_PACKET &&
    packet.readUInt8(4) >= LEAST_PADDING &&
    packet.readUInt8(5) === SSH_MSG_KEXINIT;
  return isFirst ? { kind: "ssh", end: at + PACKET_HEADER } : NEITHER;
}

const MESSAGE_HEADER = 8;
/** Version 3, whatever its minor number. */
const MAJOR_VERSION = 3;
const CANCEL = 80_877_102;
/** What a server takes (MAX_STARTUP_PACKET_LENGTH); and a CancelRequest with a key of up to 256 octets. */
const [MAX_STARTUP, LEAST_CANCEL, MAX_CANCEL] = [10_000, 16, 268];

function readPostgres(stream: Buffer, at: number): Opening {
  if (at > MAX_REQUESTS_OCTETS) return NEITHER;
  const rest = stream.subarray(at);
  // No message is as long as to need more of the four octets.
  if ((rest[0] ?? 0) !== 0 || (rest[1] ?? 0) !== 0) return NEITHER;
  if (rest.length < MESSAGE_HEADER) return INCOMPLETE;
  const [length, code] = [rest.readUInt32BE(0), rest.readUInt32BE(4)];
  if (!isMessage(length, code)) return NEITHER;
  if (rest.length < length) return INCOMPLETE;
  const isRead = code === CANCEL || isStartup(rest.subarray(MESSAGE_HEADER, length));
  return isRead ? { kind: "postgres", end: at + length } : NEITHER;
}

function isMessage(length: number, code: number): boolean {
  if (code === CANCEL) return length >= LEAST_CANCEL && length <= MAX_CANCEL;
  return code >>> 16 === MAJOR_VERSION && length > MESSAGE_HEADER && length <= MAX_STARTUP;
}

/** Names with values, one of them the user's, and an empty name that ends them. */
function isStartup(parameters: Buffer): boolean {
  const texts = parameters.toString("latin1").split("\0");
  // What follows the last NUL, and the empty name ahead of it.
  if (texts.pop() !== "" || texts.pop() !== "" || texts.length % 2 !== 0) return false;
  const names = new Set(texts.filter((_text, index) => index % 2 === 0));
  return !names.has("") && names.has("user");
}
