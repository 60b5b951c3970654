/**
 * Writes a prepared answer for one client: as much of it as the client takes, its addresses in another order
 * each time where it comes from the cache.
 *
 * What does not fit loses the authority section first, which alone is no truncation (RFC 2181 section 9)
 * unless the client asked for proofs (RFC 4035 section 3.1); then its last records, and TC tells the client.
 *
 * Who asks by AD or DO learns that the upstream found the answer authentic (RFC 6840 section 5.8), as long as
 * all of it is the upstream's.
 */
import { Ede, Flag, HEADER_OCTETS } from "../wire/constants.ts";
import { read16, write16, type Query } from "../wire/query.ts";
import { EDE_OCTETS, OPT_OCTETS, writeOpt, writeReplyHeader } from "../wire/reply.ts";
import type { PreparedAnswer } from "./prepared-answer.ts";

/** With Ede.filtered, which says that each address of an allowed name was taken out. */
const FILTERED_TEXT = Buffer.from("every address of this name is denied");
const NO_TEXT = Buffer.alloc(0);

/** What an answer takes from the query that it goes to. */
export type ReplyHeader = Pick<
  Query,
  | "id"
  | "opcode"
  | "recursionDesired"
  | "authenticData"
  | "checkingDisabled"
  | "hasEdns"
  | "dnssecOk"
  | "questionOctets"
>;

/** What one client gets of an answer. */
export interface Share {
  /** Of the whole message, and of the records in it. */
  octets: number;
  bodyOctets: number;
  answerCount: number;
  authorityCount: number;
  isTruncated: boolean;
  /** TTLs are lowered by so much. */
  ageSeconds: number;
  /** Which address stands where the first one was. */
  firstAddress: number;
}

export function createShare(): Share {
  return {
    octets: 0,
    bodyOctets: 0,
    answerCount: 0,
    authorityCount: 0,
    isTruncated: false,
    ageSeconds: 0,
    firstAddress: 0,
  };
}

/** Finds what of the answer fits into `limit` octets for this asker. */
export function shareAnswer(answer: PreparedAnswer, asker: ReplyHeader, limit: number, share: Share): void {
  const others = HEADER_OCTETS + asker.questionOctets + (asker.hasEdns ? optOctets(answer) : 0);
  share.bodyOctets = answer.bodyEnd - answer.bodyStart;
  share.answerCount = answer.answerCount;
  share.authorityCount = answer.authorityCount;
  share.isTruncated = false;
  if (others + share.bodyOctets > limit) shorten(answer, limit - others, asker.dnssecOk, share);
  share.octets = others + share.bodyOctets;
}

function optOctets({ ede }: PreparedAnswer): number {
  return ede === Ede.none ? OPT_OCTETS : OPT_OCTETS + EDE_OCTETS + textOf(ede).length;
}

function textOf(ede: number): Buffer {
  return ede === Ede.filtered ? FILTERED_TEXT : NO_TEXT;
}

function shorten(answer: PreparedAnswer, room: number, wantsProofs: boolean, share: Share): void {
  share.isTruncated = wantsProofs && answer.authorityCount > 0;
  share.authorityCount = 0;
  share.bodyOctets = endOfRecords(answer, share.answerCount);
  while (share.bodyOctets > room) {
    share.isTruncated = true;
    share.answerCount -= 1;
    share.bodyOctets = endOfRecords(answer, share.answerCount);
  }
}

/** Octets of the first `count` records: behind a TTL stand the length of the rdata and the rdata. */
function endOfRecords({ octets, bodyStart, ttlAt }: PreparedAnswer, count: number): number {
  if (count === 0) return 0;
  const rdlengthAt = (ttlAt[count - 1] ?? 0) + 4;
  return rdlengthAt + 2 + read16(octets, bodyStart + rdlengthAt);
}

/** Writes the message at `at`, where the asker's question stands already behind the header. */
export function writeAnswer(
  out: Buffer,
  at: number,
  answer: PreparedAnswer,
  asker: ReplyHeader,
  share: Share,
): void {
  writeReplyHeader(out, at, asker, answer.rcode, share.isTruncated);
  if (answer.isAuthentic && !share.isTruncated && (asker.authenticData || asker.dnssecOk)) {
    out[at + 3] = (out[at + 3] ?? 0) | Flag.ad;
  }
  write16(out, at + 4, 1);
  write16(out, at + 6, share.answerCount);
  write16(out, at + 8, share.authorityCount);
  write16(out, at + 10, asker.hasEdns ? 1 : 0);
  const body = at + HEADER_OCTETS + asker.questionOctets;
  answer.octets.copy(out, body, answer.bodyStart, answer.bodyStart + share.bodyOctets);
  if (share.ageSeconds > 0) lowerTtls(out, body, answer, share);
  if (share.firstAddress > 0) rotateAddresses(out, body, answer, share);
  if (asker.hasEdns) {
    const { rcode, ede } = answer;
    writeOpt(out, body + share.bodyOctets, asker.dnssecOk, rcode, ede, textOf(ede));
  }
}

function lowerTtls(
  out: Buffer,
  body: number,
  answer: PreparedAnswer,
  { answerCount, authorityCount, ageSeconds }: Share,
): void {
  for (let i = 0; i < answerCount + authorityCount; i++) {
    const ttlAt = body + (answer.ttlAt[i] ?? 0);
    out.writeUInt32BE(Math.max(out.readUInt32BE(ttlAt) - ageSeconds, 0), ttlAt);
  }
}

/**
 * The addresses change places in turn; what stands around them stays. Of a share too small for all, others
 * are given each time.
 */
function rotateAddresses(
  out: Buffer,
  body: number,
  { octets, bodyStart, addressAt, addressCount, addressOctets }: PreparedAnswer,
  { bodyOctets, firstAddress }: Share,
): void {
  let next = firstAddress;
  for (let i = 0; i < addressCount && (addressAt[i] ?? 0) < bodyOctets; i++) {
    // A loop: to call for a copy of 4 octets takes 40 ns.
    const from = bodyStart + (addressAt[next] ?? 0);
    const to = body + (addressAt[i] ?? 0);
    for (let octet = 0; octet < addressOctets; octet++) out[to + octet] = octets[from + octet] ?? 0;
    next = next + 1 === addressCount ? 0 : next + 1;
  }
}
