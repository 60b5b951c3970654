/**
 * An upstream's answer, indexed in one pass: where each record starts and what it is. Nothing is copied and
 * nothing decoded.
 *
 *     record  owner type:2 class:2 ttl:4 rdlength:2 rdata      RFC 1035 section 4.1.3
 */
import { isWholeName, skipName } from "./compressed-name.ts";
import { CLASS_IN, Flag, HEADER_OCTETS, Rcode, RrType } from "./constants.ts";
import { read16 } from "./query.ts";
import { hasWholeNames } from "./rdata-names.ts";
import { isLetter } from "./upstream-query.ts";

/** Of an answer section with more records than this the first ones are taken. */
const MAX_RECORDS = 1024;
/** An authority section with more is not passed on. */
const MAX_AUTHORITY = 64;

/** A table of records, reused for every answer. Row i is `owner[i]`, `type[i]`, ... for i below `count`. */
export interface AnswerIndex {
  rcode: number;
  /** Records of the answer section, and whether there were more than the table holds. */
  count: number;
  isCut: boolean;
  readonly owner: Int32Array;
  readonly type: Uint16Array;
  readonly ttlAt: Int32Array;
  readonly rdataAt: Int32Array;
  readonly rdataOctets: Uint16Array;
  /**
   * Set by the cleaner: whether the record stays, and how many do, and whether addresses had to go and how
   * many stay.
   */
  readonly keep: Uint8Array;
  kept: number;
  filtered: boolean;
  /** Where the first address stands that the policy took out; -1 for none. */
  withheldAt: number;
  /** How many it took out. */
  withheld: number;
  keptAddresses: number;
  /** Records and end of the authority section. */
  authorityCount: number;
  readonly authorityTtlAt: Int32Array;
  /**
   * Whether all of the authority section is fit to be passed on: not too much, name servers and proofs of
   * "no", no addresses, whole names.
   */
  authorityIsFit: boolean;
  /** End of the answer section, and of the authority section. */
  answerEnd: number;
  authorityEnd: number;
  /** What the authority section's SOA lets "no" last, in seconds; -1 without one. RFC 2308 section 5. */
  negativeTtlSeconds: number;
}

export function createAnswerIndex(): AnswerIndex {
  return {
    rcode: 0,
    count: 0,
    isCut: false,
    owner: new Int32Array(MAX_RECORDS),
    type: new Uint16Array(MAX_RECORDS),
    ttlAt: new Int32Array(MAX_RECORDS),
    rdataAt: new Int32Array(MAX_RECORDS),
    rdataOctets: new Uint16Array(MAX_RECORDS),
    keep: new Uint8Array(MAX_RECORDS),
    kept: 0,
    filtered: false,
    withheldAt: -1,
    withheld: 0,
    keptAddresses: 0,
    authorityCount: 0,
    authorityTtlAt: new Int32Array(MAX_AUTHORITY),
    authorityIsFit: true,
    answerEnd: 0,
    authorityEnd: 0,
    negativeTtlSeconds: -1,
  };
}

/** Where a question section that was sent stands. */
export interface AskedQuestion {
  readonly octets: Buffer;
  readonly at: number;
  readonly length: number;
}

/** Whether `octets[start, end)` is an answer to exactly the question that was asked, letter case included. */
export function answersQuestion(octets: Buffer, start: number, end: number, asked: AskedQuestion): boolean {
  return answersName(octets, start, end, asked, false);
}

/**
 * The same with letter case aside: an answer that only {@link answersQuestion} refuses comes from an upstream
 * that changes case.
 */
export function answersQuestionInOtherCase(
  octets: Buffer,
  start: number,
  end: number,
  asked: AskedQuestion,
): boolean {
  return answersName(octets, start, end, asked, true);
}

function answersName(
  octets: Buffer,
  start: number,
  end: number,
  { octets: question, at, length }: AskedQuestion,
  anyCase: boolean,
): boolean {
  if (end - start < HEADER_OCTETS + length) return false;
  if (((octets[start + 2] ?? 0) & (Flag.qr | Flag.opcode)) !== Flag.qr || read16(octets, start + 4) !== 1)
    return false;
  const mask = anyCase ? 0x20 : 0;
  for (let i = 0; i < length; i++) {
    const given = octets[start + HEADER_OCTETS + i] ?? 0;
    const sent = question[at + i] ?? 0;
    if (given !== sent && ((given ^ sent) !== mask || !isLetter(sent) || i >= length - 4)) return false;
  }
  return true;
}

/** Whether the message was cut to fit a datagram: what it holds may end anywhere. */
export function isTruncated(octets: Buffer, start: number): boolean {
  return ((octets[start + 2] ?? 0) & Flag.tc) !== 0;
}

/** Whether an upstream that was asked with EDNS may be one that does not know it (RFC 6891 section 7). */
export function refusesEdns(rcode: number): boolean {
  return rcode === Rcode.formErr || rcode === Rcode.notImp || rcode === Rcode.badVers;
}

/**
 * Whether the message is an answer without any section that refuses EDNS: some old servers send only a header
 * back.
 */
export function isBareRefusal(octets: Buffer, start: number, end: number): boolean {
  if (end - start < HEADER_OCTETS || ((octets[start + 2] ?? 0) & (Flag.qr | Flag.opcode)) !== Flag.qr)
    return false;
  return read16(octets, start + 4) === 0 && refusesEdns((octets[start + 3] ?? 0) & 0xf);
}

/** Indexes the message; the question section is `questionOctets` long. Returns whether it is well-formed. */
export function indexAnswer(
  octets: Buffer,
  start: number,
  end: number,
  questionOctets: number,
  index: AnswerIndex,
): boolean {
  index.rcode = (octets[start + 3] ?? 0) & 0xf;
  const answers = read16(octets, start + 6);
  index.count = Math.min(answers, MAX_RECORDS);
  index.isCut = answers > MAX_RECORDS;
  let at = start + HEADER_OCTETS + questionOctets;
  for (let i = 0; i < index.count; i++) {
    const rdata = enterRecord(octets, at, end);
    if (rdata < 0) return false;
    index.owner[i] = at;
    index.type[i] = read16(octets, rdata - 8) === CLASS_IN ? read16(octets, rdata - 10) : 0;
    index.ttlAt[i] = rdata - 6;
    index.rdataAt[i] = rdata;
    index.rdataOctets[i] = read16(octets, rdata - 2);
    index.keep[i] = 0;
    at = rdata + read16(octets, rdata - 2);
  }
  for (let left = answers - index.count; left > 0; left--) {
    const rdata = enterRecord(octets, at, end);
    if (rdata < 0) return false;
    at = rdata + read16(octets, rdata - 2);
  }
  index.answerEnd = at;
  at = indexAuthority(octets, start, at, end, index);
  return at >= 0 && indexAdditional(octets, at, end, read16(octets, start + 10), index);
}

function indexAuthority(octets: Buffer, start: number, at: number, end: number, index: AnswerIndex): number {
  const records = read16(octets, start + 8);
  index.negativeTtlSeconds = -1;
  index.authorityCount = 0;
  index.authorityIsFit = records <= MAX_AUTHORITY;
  for (let i = 0; i < records; i++) {
    const rdata = enterRecord(octets, at, end);
    if (rdata < 0) return -1;
    const isOwned = isWholeName(octets, start, at, end);
    index.authorityTtlAt[i] = rdata - 6;
    at = rdata + read16(octets, rdata - 2);
    const type = read16(octets, rdata - 10);
    const isFit = isOwned && isFitForAuthority(type) && hasWholeNames(octets, start, end, type, rdata, at);
    if (!isFit) index.authorityIsFit = false;
    if (type === RrType.soa && at - rdata >= 22) {
      index.negativeTtlSeconds = Math.min(readTtl(octets, rdata - 6), readTtl(octets, at - 4));
    }
  }
  index.authorityCount = records;
  index.authorityEnd = at;
  return at;
}

function isFitForAuthority(type: number): boolean {
  switch (type) {
    case RrType.soa:
    case RrType.ns:
    case RrType.ds:
    case RrType.rrsig:
    case RrType.nsec:
    case RrType.nsec3:
      return true;
    default:
      return false;
  }
}

/** A TTL with its top bit set is zero (RFC 2181 section 8). */
export function readTtl(octets: Buffer, at: number): number {
  const ttl = octets.readUInt32BE(at);
  return ttl > 0x7fff_ffff ? 0 : ttl;
}

/**
 * The additional section is never passed on; its OPT record has the upper bits of the rcode (RFC 6891 section
 * 6.1.3).
 */
function indexAdditional(
  octets: Buffer,
  at: number,
  end: number,
  records: number,
  index: AnswerIndex,
): boolean {
  for (let i = 0; i < records; i++) {
    const rdata = enterRecord(octets, at, end);
    if (rdata < 0) return false;
    if (read16(octets, rdata - 10) === RrType.opt) index.rcode |= (octets[rdata - 6] ?? 0) << 4;
    at = rdata + read16(octets, rdata - 2);
  }
  return true;
}

/** Where the record's rdata starts, or -1 when the record does not fit in the message. */
function enterRecord(octets: Buffer, at: number, end: number): number {
  const rdata = skipName(octets, at, end) + 10;
  return rdata >= 10 && rdata <= end && rdata + read16(octets, rdata - 2) <= end ? rdata : -1;
}
