/**
 * Reads what the kernel answers on a netlink socket. Random octets never throw: a reader stops where the
 * lengths stop making sense.
 */
import { NLMSG_HDRLEN, NLA_HDRLEN } from "./constants.ts";

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const TYPE_MASK = 0x3fff;

export type NetlinkReply =
  | { readonly kind: "error"; readonly sequence: number; readonly errno: number }
  | { readonly kind: "done" }
  | { readonly kind: "message"; readonly type: number; readonly payload: Buffer };

/** The messages of one datagram. An `error` with errno 0 is an acknowledgement. */
export function* readReplies(datagram: Buffer): Generator<NetlinkReply> {
  for (let at = 0, length = lengthAt(datagram, at); length > 0; length = lengthAt(datagram, at)) {
    const type = datagram.readUInt16LE(at + 4);
    if (type === NLMSG_ERROR) {
      yield { kind: "error", sequence: sequenceAt(datagram, at), errno: errnoAt(datagram, at) };
    } else if (type === NLMSG_DONE) {
      yield { kind: "done" };
    } else {
      yield { kind: "message", type, payload: datagram.subarray(at + NLMSG_HDRLEN, at + length) };
    }
    at += (length + 3) & ~3;
  }
}

/**
 * Where the first `error` among the messages from `at` on stands, or -1. It reads in place what {@link
 * readReplies} gives, for what is read after each batch. Look for the next one from {@link behindError} on.
 */
export function findError(datagram: Buffer, at: number): number {
  for (let length = lengthAt(datagram, at); length > 0; length = lengthAt(datagram, at)) {
    if (datagram.readUInt16LE(at + 4) === NLMSG_ERROR) return at;
    at += (length + 3) & ~3;
  }
  return -1;
}

export function behindError(datagram: Buffer, at: number): number {
  return at + ((lengthAt(datagram, at) + 3) & ~3);
}

/** Which message was refused or acknowledged. */
export function sequenceAt(datagram: Buffer, at: number): number {
  return datagram.readUInt32LE(at + 8);
}

export function errnoAt(datagram: Buffer, at: number): number {
  return -datagram.readInt32LE(at + NLMSG_HDRLEN);
}

/** Octets of the message at `at`; 0 if there is none, or one that is cut off. */
function lengthAt(datagram: Buffer, at: number): number {
  if (at + NLMSG_HDRLEN > datagram.length) return 0;
  const length = datagram.readUInt32LE(at);
  const least = datagram.readUInt16LE(at + 4) === NLMSG_ERROR ? NLMSG_HDRLEN + 4 : NLMSG_HDRLEN;
  return length < least || at + length > datagram.length ? 0 : length;
}

/** The attributes in `payload` from `at` on: type (without the nested and byte-order bits) and value. */
export function* readAttributes(payload: Buffer, at = 0): Generator<{ type: number; value: Buffer }> {
  while (at + NLA_HDRLEN <= payload.length) {
    const length = payload.readUInt16LE(at);
    if (length < NLA_HDRLEN || at + length > payload.length) return;
    yield {
      type: payload.readUInt16LE(at + 2) & TYPE_MASK,
      value: payload.subarray(at + NLA_HDRLEN, at + length),
    };
    at += (length + 3) & ~3;
  }
}

/**
 * Octets of the attribute at `at`, with its header; 0 if there is none, or one that `end` cuts off. It reads
 * in place what {@link readAttributes} gives, for sets of very many elements. Its value is at {@link
 * valueAt}, the next one at {@link behindAttribute}.
 */
export function attributeLength(octets: Buffer, at: number, end: number): number {
  if (at + NLA_HDRLEN > end) return 0;
  const length = octets.readUInt16LE(at);
  return length < NLA_HDRLEN || at + length > end ? 0 : length;
}

export function attributeType(octets: Buffer, at: number): number {
  return octets.readUInt16LE(at + 2) & TYPE_MASK;
}

export function valueAt(at: number): number {
  return at + NLA_HDRLEN;
}

export function behindAttribute(at: number, length: number): number {
  return at + ((length + 3) & ~3);
}
