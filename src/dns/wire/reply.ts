/**
 * Answers that we write ourselves. They are written over the query, whose header and question stay where they
 * are:
 *
 *     header (patched) | question (as it was) | SOA, when negative | OPT, when the client spoke EDNS
 */
import { Ede, Flag, HEADER_OCTETS, RrType } from "./constants.ts";
import { MAX_NAME_TEXT_OCTETS, writeNameText } from "./name-text.ts";
import { write16, type Query } from "./query.ts";

/** What the sidecar says it takes over UDP: fits every path without fragments (RFC 9715). */
export const UDP_PAYLOAD_OCTETS = 1232;
/** Octets of the SOA record that {@link writeSoa} writes. */
export const SOA_OCTETS = 34;
/** Of an OPT record without options, and of an extended error in it without a text. */
export const OPT_OCTETS = 11;
export const EDE_OCTETS = 6;
const MAX_TEXT_OCTETS = 40;
/**
 * Octets that {@link writeOwnReply} may add behind a question. With the longest of them, every client has
 * room for it.
 */
export const MAX_OWN_REPLY_OCTETS =
  SOA_OCTETS + OPT_OCTETS + EDE_OCTETS + MAX_TEXT_OCTETS + MAX_NAME_TEXT_OCTETS;
const NO_TEXT = new Uint8Array(0);
const POINTER_TO_QUESTION = 0xc00c;

export interface OwnReply {
  readonly rcode: number;
  /** Extended DNS error (RFC 8914), or Ede.none. */
  readonly ede: number;
  /** What it says to people, 40 octets at most. */
  readonly edeText?: Uint8Array;
  /** Whether the name that was asked for follows that text. */
  readonly edeNames?: boolean;
  /** TTL of the SOA that makes the answer a negative one (RFC 2308 section 3); `undefined` for no SOA. */
  readonly negativeTtlSeconds?: number;
  /** Extra answer records, ready-made, after the question. */
  readonly answer?: Uint8Array;
}

/** What a reply of ours takes from the query: where header and question stand, and what they said. */
export type Asked = Pick<
  Query,
  | "start"
  | "id"
  | "opcode"
  | "recursionDesired"
  | "checkingDisabled"
  | "hasEdns"
  | "dnssecOk"
  | "questionOctets"
>;

/** Writes the reply over the query that stands at `query.start`; returns its length. */
export function writeOwnReply(octets: Buffer, query: Asked, reply: OwnReply): number {
  const { start } = query;
  writeReplyHeader(octets, start, query, reply.rcode, false);
  write16(octets, start + 4, query.questionOctets > 0 ? 1 : 0);
  write16(octets, start + 6, reply.answer ? 1 : 0);
  write16(octets, start + 8, 0);
  write16(octets, start + 10, 0);
  let at = start + HEADER_OCTETS + query.questionOctets;
  if (reply.answer) {
    octets.set(reply.answer, at);
    at += reply.answer.length;
  }
  if (reply.negativeTtlSeconds !== undefined && query.questionOctets > 0) {
    write16(octets, start + 8, 1);
    at = writeSoa(octets, at, reply.negativeTtlSeconds);
  }
  if (query.hasEdns) {
    write16(octets, start + 10, 1);
    const opt = at;
    at = writeOpt(octets, at, query.dnssecOk, reply.rcode, reply.ede, reply.edeText);
    if (reply.edeNames === true) at = addName(octets, opt, at, start + HEADER_OCTETS);
  }
  return at - start;
}

/**
 * Adds the name at `from` to the text with which the OPT record at `opt` ends; returns the offset behind it.
 */
function addName(octets: Buffer, opt: number, end: number, from: number): number {
  const newEnd = writeNameText(octets, end, from);
  write16(octets, opt + 9, newEnd - opt - OPT_OCTETS);
  write16(octets, opt + 13, newEnd - opt - OPT_OCTETS - 4);
  return newEnd;
}

/** The first four octets: id and flags of an answer to `query`. */
export function writeReplyHeader(
  octets: Buffer,
  start: number,
  query: Pick<Query, "id" | "opcode" | "recursionDesired" | "checkingDisabled">,
  rcode: number,
  truncated: boolean,
): void {
  write16(octets, start, query.id);
  octets[start + 2] =
    Flag.qr | query.opcode | (truncated ? Flag.tc : 0) | (query.recursionDesired ? Flag.rd : 0);
  octets[start + 3] = Flag.ra | (query.checkingDisabled ? Flag.cd : 0) | (rcode & 0xf);
}

/** Writes our OPT record, with an extended error unless `ede` is Ede.none; returns the offset behind it. */
export function writeOpt(
  octets: Buffer,
  at: number,
  dnssecOk: boolean,
  rcode: number,
  ede: number,
  edeText: Uint8Array = NO_TEXT,
): number {
  octets[at] = 0;
  write16(octets, at + 1, RrType.opt);
  write16(octets, at + 3, UDP_PAYLOAD_OCTETS);
  octets[at + 5] = rcode >>> 4;
  octets[at + 6] = 0;
  write16(octets, at + 7, dnssecOk ? 0x8000 : 0);
  if (ede === Ede.none) {
    write16(octets, at + 9, 0);
    return at + 11;
  }
  write16(octets, at + 9, 6 + edeText.length);
  write16(octets, at + 11, 15);
  write16(octets, at + 13, 2 + edeText.length);
  write16(octets, at + 15, ede);
  octets.set(edeText, at + 17);
  return at + 17 + edeText.length;
}

/** A SOA at the question's own name, with root names in it: it says how long "no" holds, nothing else. */
export function writeSoa(octets: Buffer, at: number, ttlSeconds: number): number {
  write16(octets, at, POINTER_TO_QUESTION);
  write16(octets, at + 2, RrType.soa);
  write16(octets, at + 4, 1);
  octets.writeUInt32BE(ttlSeconds, at + 6);
  write16(octets, at + 10, 22);
  octets.fill(0, at + 12, at + 34);
  octets.writeUInt32BE(1, at + 14); // serial
  octets.writeUInt32BE(3600, at + 18); // refresh
  octets.writeUInt32BE(600, at + 22); // retry
  octets.writeUInt32BE(86_400, at + 26); // expire
  octets.writeUInt32BE(ttlSeconds, at + 30); // minimum
  return at + SOA_OCTETS;
}
