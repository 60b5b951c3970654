/**
 * Netlink messages, written into one growing buffer. Everything is aligned to four octets.
 *
 *     nlmsghdr   length:4 type:2 flags:2 sequence:4 port:4        little-endian (host order)
 *     nfgenmsg   family:1 version:1 resource:2                    resource in network order
 *     nlattr     length:2 type:2 payload                          lengths in host order, numbers in payloads in network order
 *
 * Source: linux/netlink.h, linux/netfilter/nfnetlink.h.
 */
import { NLMSG_HDRLEN, NLA_HDRLEN } from "./constants.ts";

const NESTED = 0x8000;
const MAX_ATTRIBUTE = 0xffff;

export interface NetlinkWriter {
  /** Starts a message with its nfgenmsg; `end` with the returned mark closes it. */
  begin(type: number, flags: number, sequence: number, family: number, resource: number): number;
  /** Starts a message with another protocol's header, such as an ifinfomsg, of a multiple of four octets. */
  beginWith(type: number, flags: number, sequence: number, header: Uint8Array): number;
  end(mark: number): void;
  /** Adds flags to the message that was begun last. */
  demand(flags: number): void;
  /** Starts a nested attribute; `endNested` closes the one that was started last. */
  nest(type: number): void;
  endNested(): void;
  octets(type: number, source: Uint8Array): void;
  /**
   * Octets that have no attribute's header, such as a header inside a nested attribute; a multiple of four.
   */
  raw(source: Uint8Array): void;
  /** A zero-terminated string. */
  text(type: number, text: string): void;
  /** A 32-bit number in network order. */
  number32(type: number, value: number): void;
  /** A 32-bit number in host order, as rtnetlink has them. */
  host32(type: number, value: number): void;
  /** A 64-bit number in network order; `value` a safe integer. */
  number64(type: number, value: number): void;
  /** A zero-terminated string of user data, as nft(8) writes an element's comment. */
  comment(type: number, text: string): void;
  /** What has been written since `reset`. Valid until the next write. */
  written(): Buffer;
  /** The same without a view of it: the first `length` octets of `buffer`. */
  buffer(): Buffer;
  length(): number;
  reset(): void;
}

export function createNetlinkWriter(initialOctets = 16_384): NetlinkWriter {
  let buffer = Buffer.alloc(initialOctets);
  let at = 0;
  let last = 0;
  /** Where the nested attributes begin that are not closed yet. */
  const open: number[] = [];

  function room(octets: number): void {
    if (at + octets <= buffer.length) return;
    const larger = Buffer.alloc(Math.max(buffer.length * 2, at + octets));
    buffer.copy(larger, 0, 0, at);
    buffer = larger;
  }
  /** Writes an attribute's header; the payload of `length` octets comes at `at`. */
  function attribute(type: number, length: number): void {
    room(NLA_HDRLEN + length + 3);
    const whole = NLA_HDRLEN + length;
    if (whole > MAX_ATTRIBUTE) throw new RangeError(`an attribute of ${whole} octets`);
    // Octet by octet: a start writes thousands, and Buffer's own ways are several calls each.
    buffer[at] = whole & 0xff;
    buffer[at + 1] = whole >>> 8;
    buffer[at + 2] = type & 0xff;
    buffer[at + 3] = type >>> 8;
    at += NLA_HDRLEN;
  }
  /** Latin-1, with a zero behind it. */
  function string(text: string): void {
    for (let index = 0; index < text.length; index++) buffer[at++] = text.charCodeAt(index);
    buffer[at++] = 0;
  }
  function pad(): void {
    while (at % 4 !== 0) buffer[at++] = 0;
  }

  function header(type: number, flags: number, sequence: number): number {
    const mark = at;
    last = mark;
    buffer.writeUInt16LE(type, at + 4);
    buffer.writeUInt16LE(flags, at + 6);
    buffer.writeUInt32LE(sequence, at + 8);
    buffer.writeUInt32LE(0, at + 12);
    return mark;
  }
  function raw(source: Uint8Array): void {
    room(source.length);
    buffer.set(source, at);
    at += source.length;
  }

  return {
    begin(type, flags, sequence, family, resource) {
      room(NLMSG_HDRLEN + 4);
      const mark = header(type, flags, sequence);
      buffer[at + 16] = family;
      buffer[at + 17] = 0;
      buffer.writeUInt16BE(resource, at + 18);
      at += NLMSG_HDRLEN + 4;
      return mark;
    },
    beginWith(type, flags, sequence, fixed) {
      room(NLMSG_HDRLEN + fixed.length);
      const mark = header(type, flags, sequence);
      at += NLMSG_HDRLEN;
      raw(fixed);
      return mark;
    },
    end: (mark) => void buffer.writeUInt32LE(at - mark, mark),
    demand: (flags) => void buffer.writeUInt16LE(buffer.readUInt16LE(last + 6) | flags, last + 6),
    nest(type) {
      open.push(at);
      attribute(type | NESTED, 0);
    },
    endNested() {
      const mark = open.pop();
      if (mark === undefined) throw new RangeError("no attribute is open");
      buffer.writeUInt16LE(at - mark, mark);
    },
    octets(type, source) {
      attribute(type, source.length);
      buffer.set(source, at);
      at += source.length;
      pad();
    },
    raw,
    text(type, text) {
      attribute(type, text.length + 1);
      string(text);
      pad();
    },
    number32(type, value) {
      attribute(type, 4);
      buffer.writeUInt32BE(value >>> 0, at);
      at += 4;
    },
    host32(type, value) {
      attribute(type, 4);
      buffer.writeUInt32LE(value >>> 0, at);
      at += 4;
    },
    number64(type, value) {
      attribute(type, 8);
      buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
      buffer.writeUInt32BE(value % 0x1_0000_0000, at + 4);
      at += 8;
    },
    comment(type, text) {
      attribute(type, text.length + 3);
      buffer[at++] = 0;
      buffer[at++] = text.length + 1;
      string(text);
      pad();
    },
    written: () => buffer.subarray(0, at),
    buffer() {
      return buffer;
    },
    length() {
      return at;
    },
    reset() {
      at = 0;
      open.length = 0;
    },
  };
}
