/**
 * A client's query, read off the wire.
 *
 *     header    id:2 flags:2 qdcount:2 ancount:2 nscount:2 arcount:2      RFC 1035 section 4.1.1
 *     question  qname qtype:2 qclass:2                                    section 4.1.2
 *     OPT       0:1 41:2 udp-size:2 rcode:1 version:1 DO:1bit z:15bit rdlength:2 options   RFC 6891 section
 * 6.1.2
 */
import type { DomainName } from "../../policy/domain-name.ts";
import { CLASS_IN, Flag, HEADER_OCTETS, Rcode, RrType } from "./constants.ts";
import { createQnameReader } from "./qname.ts";

/** The most we send over UDP, whatever the client says. A larger answer is fetched over TCP. */
export const MAX_UDP_OCTETS = 4096;

/** Neither a query nor anything that may be answered. */
export const NOT_A_QUERY = -1;

export interface Query {
  /** Where the message starts. */
  start: number;
  id: number;
  /** As it stands in the third octet; 0 for QUERY. */
  opcode: number;
  recursionDesired: boolean;
  /** Whether the client wants to know if an answer is authentic (RFC 6840 section 5.7). */
  authenticData: boolean;
  checkingDisabled: boolean;
  /** Canonical name; `undefined`: one that no rule can speak of. */
  qname: DomainName | undefined;
  qtype: number;
  /** Octets of the question section; 0 when it could not be read. */
  questionOctets: number;
  hasEdns: boolean;
  dnssecOk: boolean;
  /** Largest message that the client takes over UDP: 512 to {@link MAX_UDP_OCTETS}. */
  udpSize: number;
}

/** Whether the message is one that gets an answer, be it a refusal. */
export function isQuery(octets: Buffer, start: number, end: number): boolean {
  return end - start >= HEADER_OCTETS && ((octets[start + 2] ?? 0) & Flag.qr) === 0;
}

/**
 * Reads the message in `octets[start, end)` into `query`. Returns the rcode to refuse it with, 0 for a good
 * one, or NOT_A_QUERY.
 */
export type ReadQuery = (octets: Buffer, start: number, end: number, query: Query) => number;

export function createQuery(): Query {
  return {
    start: 0,
    id: 0,
    opcode: 0,
    recursionDesired: false,
    authenticData: false,
    checkingDisabled: false,
    qname: undefined,
    qtype: 0,
    questionOctets: 0,
    hasEdns: false,
    dnssecOk: false,
    udpSize: 512,
  };
}

export function createQueryReader(): ReadQuery {
  const readQname = createQnameReader();

  return function readQuery(octets, start, end, query) {
    if (!isQuery(octets, start, end)) return NOT_A_QUERY;
    const flags = octets[start + 2] ?? 0;
    readHeader(octets, start, query);
    if ((flags & Flag.opcode) !== 0) return Rcode.notImp;
    if ((flags & Flag.tc) !== 0) return Rcode.formErr;
    if (
      read16(octets, start + 4) !== 1 ||
      read16(octets, start + 6) !== 0 ||
      read16(octets, start + 8) !== 0
    ) {
      return Rcode.formErr;
    }
    const qname = readQname(octets, start + HEADER_OCTETS, end);
    const afterName = start + HEADER_OCTETS + qname.wireOctets;
    if (qname.wireOctets < 0 || afterName + 4 > end) return Rcode.formErr;
    query.qname = qname.text;
    query.qtype = read16(octets, afterName);
    query.questionOctets = qname.wireOctets + 4;
    const rcode = readAdditional(octets, afterName + 4, end, read16(octets, start + 10), query);
    if (rcode !== Rcode.noError) return rcode;
    if (query.qtype === RrType.opt || query.qtype === 0) return Rcode.formErr;
    return read16(octets, afterName + 2) === CLASS_IN ? Rcode.noError : Rcode.refused;
  };
}

/**
 * Type, DO and CD in one number of 18 bits: an answer is good for all that ask for the same name and kind.
 * AD is no part of it: every upstream is asked for it, and each client gets what it asked for.
 */
export function questionKind({ qtype, dnssecOk, checkingDisabled }: Query): number {
  return qtype * 4 + (dnssecOk ? 2 : 0) + (checkingDisabled ? 1 : 0);
}

export function read16(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
}

export function write16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 8;
  octets[at + 1] = value;
}

function readHeader(octets: Buffer, start: number, query: Query): void {
  query.start = start;
  query.id = read16(octets, start);
  query.opcode = (octets[start + 2] ?? 0) & Flag.opcode;
  query.recursionDesired = ((octets[start + 2] ?? 0) & Flag.rd) !== 0;
  query.authenticData = ((octets[start + 3] ?? 0) & Flag.ad) !== 0;
  query.checkingDisabled = ((octets[start + 3] ?? 0) & Flag.cd) !== 0;
  query.questionOctets = 0;
  query.hasEdns = false;
  query.dnssecOk = false;
  query.udpSize = 512;
}

/** One OPT record at most, and nothing else: no TSIG, no SIG(0), nothing behind the message. */
function readAdditional(octets: Buffer, at: number, end: number, count: number, query: Query): number {
  if (count === 0) return at === end ? Rcode.noError : Rcode.formErr;
  const isOpt = count === 1 && at + 11 <= end && octets[at] === 0 && read16(octets, at + 1) === RrType.opt;
  if (!isOpt || at + 11 + read16(octets, at + 9) !== end) return Rcode.formErr;
  query.hasEdns = true;
  query.udpSize = Math.min(Math.max(read16(octets, at + 3), 512), MAX_UDP_OCTETS);
  query.dnssecOk = ((octets[at + 7] ?? 0) & 0x80) !== 0;
  return octets[at + 6] === 0 ? Rcode.noError : Rcode.badVers;
}
