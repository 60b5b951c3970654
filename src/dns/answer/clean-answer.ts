/**
 * Takes out of an upstream's answer what the client must not have:
 *
 * - records that do not belong to the chain of CNAMEs from the question to its type (an answer speaks of
 *   nothing else);
 * - records with a name that can't be followed to its end, or only through the header, which a client gets
 *   another of;
 * - addresses that the policy does not let the name give out ({@link AdmitAddress});
 * - the additional section, always: its addresses belong to names that nobody asked for; and for the same
 *   reason an authority section that holds anything but name servers and proofs of "no";
 * - the authority section beside data, unless the client wants proofs.
 *
 * When nothing has to go, the octets stay as they are and only TTLs are lowered; else the answer is written
 * anew. Known limits: a DNAME that comes without the CNAME that a server has to make from it (RFC 6672
 * section 3.1) leads nowhere. A name that points into a TTL, which no honest server writes, is another once
 * that TTL is lowered.
 */
import { Ede, Flag, HEADER_OCTETS, Rcode, RrType } from "../wire/constants.ts";
import type { PreparedAnswer } from "./prepared-answer.ts";
import { indexAnswer, readTtl, type AnswerIndex } from "../wire/answer.ts";
import { createAnswerRebuilder } from "./rebuild-answer.ts";
import { type AdmitAddress, type AnswerToSelect, selectRecords } from "./select-records.ts";
import { SOA_OCTETS, writeSoa } from "../wire/reply.ts";

/**
 * Longest life of any record given out. Shorter than a learned address lives, so a client asks again in time.
 */
const MAX_TTL_SECONDS = 300;
/** How long a client may keep an answer whose addresses were all taken out. */
const FILTERED_TTL_SECONDS = 5;

interface AnswerQuestion {
  readonly qtype: number;
  readonly questionOctets: number;
  readonly dnssecOk: boolean;
}

/**
 * Cleans `octets[start, end)` into `into`. Returns false for a malformed message. The octets belong to `into`
 * from then on.
 */
export type CleanAnswer = (
  octets: Buffer,
  start: number,
  end: number,
  question: AnswerQuestion,
  admit: AdmitAddress,
  into: PreparedAnswer,
) => boolean;

/** Makes a cleaner over one index of records, which it fills; see `index.rcode` after a call. */
export function createAnswerCleaner(index: AnswerIndex): CleanAnswer {
  const rebuild = createAnswerRebuilder();
  /** One object for all answers. */
  const answer: AnswerToSelect & { questionOctets: number } = {
    octets: Buffer.alloc(0),
    start: 0,
    end: 0,
    questionOctets: 0,
    qtype: 0,
    dnssecOk: false,
    admit: () => false,
  };

  return function cleanAnswer(octets, start, end, question, admit, into) {
    if (!indexAnswer(octets, start, end, question.questionOctets, index)) return false;
    answer.octets = octets;
    answer.start = start;
    answer.end = end;
    answer.questionOctets = question.questionOctets;
    answer.qtype = question.qtype;
    answer.dnssecOk = question.dnssecOk;
    answer.admit = admit;
    begin(into, answer, index.rcode);
    if (!selectRecords(answer, index)) return false;
    into.withheldCount = index.withheld;
    if (index.withheld > 0) {
      into.withheld.set(octets.subarray(index.withheldAt, index.withheldAt + into.addressOctets));
    }
    if (index.filtered && index.keptAddresses === 0) {
      prepareFiltered(into);
      return true;
    }
    const isPositive = into.rcode === Rcode.noError && hasType(index, question.qtype);
    into.hasData = isPositive;
    // Who has data and wants no proofs has no use for an authority section, which takes room.
    const keepsAuthority = index.authorityIsFit && (!isPositive || question.dnssecOk);
    if (index.kept === index.count && !index.isCut) {
      into.isAuthentic = isAuthentic(octets, start) && (isPositive || keepsAuthority);
      keepAsIs(into, index, keepsAuthority);
    } else {
      rebuild(answer, index, into);
    }
    if (!isPositive && into.authorityCount === 0) addNegativeSoa(into, index);
    markTtls(into, index, isPositive);
    return true;
  };
}

/** What does not depend on the records. */
function begin(
  into: PreparedAnswer,
  { octets, start, questionOctets, qtype }: AnswerToSelect & { readonly questionOctets: number },
  rcode: number,
): void {
  into.serial = 0;
  into.rcode = rcode;
  into.isAuthentic = false;
  into.hasData = false;
  into.withheldCount = 0;
  into.ede = Ede.none;
  into.octets = octets;
  into.bodyStart = start + HEADER_OCTETS + questionOctets;
  into.addressOctets = qtype === RrType.aaaa ? 16 : 4;
}

/** Whether the upstream says that it has validated all of the message. */
function isAuthentic(octets: Buffer, start: number): boolean {
  return ((octets[start + 3] ?? 0) & Flag.ad) !== 0;
}

/** All addresses were taken out: "no data", and why. */
function prepareFiltered(into: PreparedAnswer): void {
  const octets = Buffer.alloc(SOA_OCTETS);
  into.octets = octets;
  into.bodyStart = 0;
  into.bodyEnd = writeSoa(octets, 0, FILTERED_TTL_SECONDS);
  into.rcode = Rcode.noError;
  into.ede = Ede.filtered;
  into.answerCount = 0;
  into.authorityCount = 1;
  into.ttlSeconds = 0;
  into.ttlCount = 0;
  into.addressCount = 0;
}

function keepAsIs(into: PreparedAnswer, index: AnswerIndex, keepsAuthority: boolean): void {
  into.bodyEnd = keepsAuthority ? index.authorityEnd : index.answerEnd;
  into.answerCount = index.count;
  into.authorityCount = keepsAuthority ? index.authorityCount : 0;
  into.ttlCount = 0;
  into.addressCount = 0;
  for (let i = 0; i < index.count; i++) {
    into.ttlAt[into.ttlCount++] = (index.ttlAt[i] ?? 0) - into.bodyStart;
    if (index.type[i] === RrType.a || index.type[i] === RrType.aaaa) {
      into.addressAt[into.addressCount++] = (index.rdataAt[i] ?? 0) - into.bodyStart;
    }
  }
  for (let i = 0; i < into.authorityCount; i++) {
    into.ttlAt[into.ttlCount++] = (index.authorityTtlAt[i] ?? 0) - into.bodyStart;
  }
}

/** The authority section is gone; a SOA of our own says how long it let "no" last. */
function addNegativeSoa(into: PreparedAnswer, index: AnswerIndex): void {
  if (index.negativeTtlSeconds < 0) return;
  const records = into.octets.subarray(into.bodyStart, into.bodyEnd);
  const octets = Buffer.alloc(records.length + SOA_OCTETS);
  records.copy(octets);
  writeSoa(octets, records.length, Math.min(index.negativeTtlSeconds, MAX_TTL_SECONDS));
  into.ttlAt[into.ttlCount++] = records.length + 6;
  into.octets = octets;
  into.bodyStart = 0;
  into.bodyEnd = octets.length;
  into.authorityCount = 1;
}

/** Lowers every TTL to our longest, and finds how long the whole may be kept. */
function markTtls(into: PreparedAnswer, index: AnswerIndex, isPositive: boolean): void {
  let shortest = MAX_TTL_SECONDS;
  for (let i = 0; i < into.ttlCount; i++) {
    const at = into.bodyStart + (into.ttlAt[i] ?? 0);
    const ttl = readTtl(into.octets, at);
    into.octets.writeUInt32BE(Math.min(ttl, MAX_TTL_SECONDS), at);
    if (i < into.answerCount) shortest = Math.min(shortest, ttl);
  }
  const isFinal = into.rcode === Rcode.noError || into.rcode === Rcode.nxDomain;
  if (isPositive) into.ttlSeconds = shortest;
  else into.ttlSeconds = isFinal ? Math.max(Math.min(shortest, index.negativeTtlSeconds), 0) : 0;
}

function hasType(index: AnswerIndex, qtype: number): boolean {
  for (let i = 0; i < index.count; i++) if (index.keep[i] === 1 && index.type[i] === qtype) return true;
  return false;
}
