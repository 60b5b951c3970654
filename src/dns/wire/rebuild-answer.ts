/**
 * Writes an answer anew with only the records that stay. Owner names and names in rdata lose their pointers, for what they point
 * at may be gone; the authority section is left out, and so is a record for which 64 KiB have no room. Types that RFC 3597 section 4 lets compress names are expanded; others are copied.
 */
import type { PreparedAnswer } from "../prepared-answer.ts";
import type { AnswerIndex } from "./answer.ts";
import { expandName, sameName } from "./compressed-name.ts";
import { HEADER_OCTETS, MAX_NAME_OCTETS, RrType } from "./constants.ts";
import { write16 } from "./query.ts";

/** Octets of rdata before the first name, for types whose rdata is that prefix and one name. */
const NAME_AFTER: Readonly<Record<number, number>> = {
  [RrType.ns]: 0,
  [RrType.cname]: 0,
  [RrType.ptr]: 0,
  [RrType.dname]: 0,
  [RrType.mx]: 2,
  [RrType.srv]: 6,
};
const MAX_MESSAGE = 65_535;

export function rebuildAnswer(
  octets: Buffer,
  start: number,
  end: number,
  questionOctets: number,
  index: AnswerIndex,
  into: PreparedAnswer,
): void {
  const room = MAX_MESSAGE - HEADER_OCTETS - questionOctets;
  const out = Buffer.allocUnsafeSlow(Math.min(roomFor(index), room + 1024));
  let at = 0;
  into.answerCount = 0;
  into.authorityCount = 0;
  into.ttlCount = 0;
  into.addressCount = 0;
  for (let i = 0; i < index.count && at < room; i++) {
    if (index.keep[i] !== 1) continue;
    const afterOwner = writeOwner(octets, start, end, index.owner[i] ?? 0, out, at);
    const afterRecord = afterOwner < 0 ? -1 : writeRecord(octets, start, end, index, i, out, afterOwner);
    if (afterRecord < 0 || afterRecord > room) continue;
    into.ttlAt[into.ttlCount++] = afterOwner + 4;
    if (index.type[i] === RrType.a || index.type[i] === RrType.aaaa) {
      into.addressAt[into.addressCount++] = afterOwner + 10;
    }
    into.answerCount += 1;
    at = afterRecord;
  }
  into.octets = out;
  into.bodyStart = 0;
  into.bodyEnd = at;
}

/** The most that the kept records can take: two names each, as long as names get. */
function roomFor(index: AnswerIndex): number {
  let octets = 0;
  for (let i = 0; i < index.count; i++) {
    if (index.keep[i] === 1) octets += 2 * MAX_NAME_OCTETS + 10 + (index.rdataOctets[i] ?? 0);
  }
  return octets;
}

function writeOwner(
  octets: Buffer,
  start: number,
  end: number,
  owner: number,
  out: Buffer,
  at: number,
): number {
  if (!sameName(octets, start, owner, start + HEADER_OCTETS, end)) {
    return expandName(octets, start, owner, end, { octets: out, at });
  }
  write16(out, at, 0xc000 | HEADER_OCTETS);
  return at + 2;
}

/** Type, class, TTL, rdlength and rdata at `at`; returns the offset behind, or -1 for a malformed name. */
function writeRecord(
  octets: Buffer,
  start: number,
  end: number,
  index: AnswerIndex,
  i: number,
  out: Buffer,
  at: number,
): number {
  const rdataAt = index.rdataAt[i] ?? 0;
  const rdataOctets = index.rdataOctets[i] ?? 0;
  octets.copy(out, at, rdataAt - 10, rdataAt + rdataOctets);
  const prefix = NAME_AFTER[index.type[i] ?? 0];
  if (prefix === undefined) return at + 10 + rdataOctets;
  const after = expandName(octets, start, rdataAt + prefix, end, { octets: out, at: at + 10 + prefix });
  if (after >= 0) write16(out, at + 8, after - at - 10);
  return after;
}
