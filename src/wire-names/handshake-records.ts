/**
 * A ClientHello out of the records that it is spread over.
 *
 *     record      type:1 version:2 length:2 fragment       22 is handshake; RFC 8446 section 5.1
 *     handshake   type:1 length:3 body                     1 is client_hello; section 4
 *
 * Its last record ends with it: a client has nothing more to say before the server has answered, but for
 * early data in records of other types.
 */
import { readClientHello } from "./client-hello.ts";
import { INCOMPLETE, refused, type Refused, type Shown } from "./shown.ts";

export const HANDSHAKE = 22;
export const CLIENT_HELLO = 1;
export const RECORD_HEADER = 5;
const HANDSHAKE_HEADER = 4;
const MAX_FRAGMENT = 16_384;
/** A hello with a post-quantum key share and a session ticket has some 4,000. */
const MAX_HELLO = 16_384;
/** With the headers of records: more than any client writes. */
const MAX_STREAM = 32_768;

/** Reads what a client has sent from octet `from` on, where a record begins. */
export function readHandshake(stream: Buffer, from: number): Shown {
  const fragments: Buffer[] = [];
  /** Octets that the records' headers announce. */
  let told = 0;
  for (let at = from; at < stream.length && !isWhole(fragments, told);) {
    const problem = judgeHeader(stream, at);
    if (problem !== undefined) return problem;
    if (at + RECORD_HEADER > stream.length) break;
    const length = stream.readUInt16BE(at + 3);
    told += length;
    fragments.push(stream.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length));
    at += RECORD_HEADER + length;
  }
  const end = from + fragments.length * RECORD_HEADER + told;
  const shown = readMessage(joined(fragments), { told, end });
  const isTooLong = shown.kind === "incomplete" && stream.length > MAX_STREAM;
  return isTooLong ? refused("a ClientHello spread over too many octets") : shown;
}

/** Of a record's header as far as it has come. */
function judgeHeader(stream: Buffer, at: number): Refused | undefined {
  if (stream[at] !== HANDSHAKE) return refused("a TLS record ahead of the ClientHello, or inside it");
  if (at + 1 < stream.length && stream[at + 1] !== 3) return refused("a TLS record of an unknown version");
  if (at + RECORD_HEADER > stream.length) return undefined;
  const length = stream.readUInt16BE(at + 3);
  return length === 0 || length > MAX_FRAGMENT ? refused("a TLS record of a forbidden length") : undefined;
}

/** Whether no further record is needed. Checks the first fragments alone. */
function isWhole(fragments: readonly Buffer[], told: number): boolean {
  const header: number[] = [];
  for (const fragment of fragments) {
    header.push(...fragment.subarray(0, HANDSHAKE_HEADER - header.length));
    if (header.length === HANDSHAKE_HEADER) return told >= HANDSHAKE_HEADER + lengthIn(header);
  }
  return false;
}

function lengthIn(header: ArrayLike<number>): number {
  return ((header[1] ?? 0) << 16) | ((header[2] ?? 0) << 8) | (header[3] ?? 0);
}

function joined(fragments: readonly Buffer[]): Buffer {
  const [first = Buffer.alloc(0)] = fragments;
  return fragments.length > 1 ? Buffer.concat(fragments) : first;
}

interface Records {
  readonly told: number;
  /** Where the last record ends. */
  readonly end: number;
}

/** Of what the records hold so far. */
function readMessage(message: Buffer, { told, end }: Records): Shown {
  if (message.length === 0) return INCOMPLETE;
  if (message[0] !== CLIENT_HELLO) return refused("a TLS handshake that begins with no ClientHello");
  if (message.length < HANDSHAKE_HEADER) return INCOMPLETE;
  const length = lengthIn(message);
  if (length > MAX_HELLO) return refused("a ClientHello longer than 16,384 octets");
  if (told > HANDSHAKE_HEADER + length) return refused("octets behind a ClientHello in its record");
  return readClientHello(message.subarray(HANDSHAKE_HEADER), length, end);
}
