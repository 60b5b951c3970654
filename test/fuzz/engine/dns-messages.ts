/**
 * DNS messages made octet by octet, so that they can be wrong in any place, and read by libraries that are
 * not ours.
 */
import * as packet from "dns-packet";
import type { DecodedPacket } from "dns-packet";
import { Packet } from "dns2";
import type { Random } from "./random.ts";

export const TYPES = [1, 28, 5, 16, 15, 33, 2, 6, 12, 39, 46, 65, 255, 257] as const;
const LABELS = [
  "a",
  "b",
  "wild",
  "example",
  "org",
  "WILD",
  "denied",
  "x_y",
  "-",
  "\0",
  "a.b",
  "é",
  "a".repeat(63),
] as const;

export function makeName(random: Random, labels: number): Buffer {
  const parts = Array.from({ length: labels }, () => Buffer.from(random.pick(LABELS)));
  return encodeLabels(parts);
}

function encodeLabels(labels: readonly Uint8Array[]): Buffer {
  return Buffer.concat([...labels.flatMap((label) => [Buffer.of(label.length), label]), Buffer.of(0)]);
}

export function wireName(text: string): Buffer {
  return encodeLabels(text === "" ? [] : text.split(".").map((label) => Buffer.from(label)));
}

export function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value);
}

export function header(fields: {
  readonly id?: number;
  readonly flags?: number;
  readonly counts?: readonly number[];
}): Buffer {
  const { id = 1, flags = 0x0100, counts = [1, 0, 0, 0] } = fields;
  return Buffer.concat([id, flags, ...counts].map(uint16));
}

/** A record: owner, type, class IN, TTL, data. */
export function record(owner: Uint8Array, type: number, data: Uint8Array, ttl = 60): Buffer {
  return Buffer.concat([
    owner,
    uint16(type),
    uint16(1),
    uint16(ttl >>> 16),
    uint16(ttl),
    uint16(data.length),
    data,
  ]);
}

export const OPT = Buffer.from("0000290578000080000000", "hex");

/**
 * Of so many records no more is asked of dns-packet: it takes seconds where a header lies about tens of
 * thousands.
 */
const MAX_RECORDS = 512;

/** As dns-packet reads it, or undefined where it does not. */
export function readByPacket(octets: Buffer): DecodedPacket | undefined {
  try {
    const counts = [4, 6, 8, 10].reduce((sum, at) => sum + octets.readUInt16BE(at), 0);
    if (counts > MAX_RECORDS) return undefined;
    return packet.decode(octets);
  } catch {
    return undefined;
  }
}

/** Octets that dns-packet took for the message that it read last. */
export function octetsReadByPacket(): number {
  return packet.decode.bytes;
}

interface Dns2Message {
  readonly questions: readonly { readonly name: string; readonly type: number; readonly class: number }[];
  readonly answers: readonly { readonly name: string; readonly type: number }[];
  readonly errors: readonly unknown[];
}

/** As dns2 reads it, or undefined where it does not read all of it. */
export function readByDns2(octets: Buffer): Dns2Message | undefined {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its own types leave out what it could not decode
    const message = Packet.parse(octets) as unknown as Dns2Message;
    return message.errors.length === 0 ? message : undefined;
  } catch {
    return undefined;
  }
}

/**
 * dns-packet takes the length of some records from what they hold, and reads on in the wrong place where that
 * is wrong: undefined then.
 */
export function readAligned(message: Buffer): DecodedPacket | undefined {
  const decoded = readByPacket(message);
  return octetsReadByPacket() === message.length && readByDns2(message) !== undefined ? decoded : undefined;
}

/** The labels of an uncompressed name at `at`, plainly; undefined where there is no whole one. */
export function readLabels(
  octets: Buffer,
  at: number,
): { readonly labels: readonly string[]; readonly end: number } | undefined {
  const labels: string[] = [];
  for (let place = at; place < octets.length;) {
    const length = octets.readUInt8(place);
    if (length === 0) return place + 1 - at > 255 ? undefined : { labels, end: place + 1 };
    if (length > 63 || place + 1 + length > octets.length) return undefined;
    labels.push(octets.toString("latin1", place + 1, place + 1 + length));
    place += 1 + length;
  }
  return undefined;
}

/**
 * The answer that an input stands for: the query's id, then the input's header and records from its second
 * octet on, with the query's question between them, so that a question is answered whatever the input.
 */
export function answerWith(query: Buffer, questionOctets: number, input: Buffer): Buffer {
  const head = Buffer.alloc(10);
  head.set(input.subarray(1, 11));
  head[0] = (head[0] ?? 0) | 0x80;
  const question = query.subarray(12, 12 + questionOctets);
  return Buffer.concat([query.subarray(0, 2), head, question, input.subarray(11)]);
}
