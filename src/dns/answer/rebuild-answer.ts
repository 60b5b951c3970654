/**
 * Writes an answer anew with only the records that stay. Owner names and names in rdata lose their pointers, for what they point
 * at may be gone; the authority section is left out, and so is a record for which 64 KiB have no room. Rdata without names is copied.
 */
import type { PreparedAnswer } from "./prepared-answer.ts";
import type { AnswerIndex } from "../wire/answer.ts";
import { expandName, sameName, skipName } from "../wire/compressed-name.ts";
import { HEADER_OCTETS, MAX_NAME_OCTETS, RrType } from "../wire/constants.ts";
import { write16 } from "../wire/query.ts";
import { namesLayout } from "../wire/rdata-names.ts";

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

/** The most that the kept records can take: three names each, as long as names get. */
function roomFor(index: AnswerIndex): number {
  let octets = 0;
  for (let i = 0; i < index.count; i++) {
    if (index.keep[i] === 1) octets += 3 * MAX_NAME_OCTETS + 10 + (index.rdataOctets[i] ?? 0);
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
  const rdataEnd = rdataAt + (index.rdataOctets[i] ?? 0);
  octets.copy(out, at, rdataAt - 10, rdataEnd);
  const layout = namesLayout(index.type[i] ?? 0);
  if (layout === undefined) return at + 10 + rdataEnd - rdataAt;
  let from = rdataAt + layout.before;
  let to = at + 10 + layout.before;
  for (let left = layout.names; left > 0; left--) {
    to = expandName(octets, start, from, end, { octets: out, at: to });
    from = skipName(octets, from, rdataEnd);
    if (to < 0 || from < 0) return -1;
  }
  octets.copy(out, to, from, rdataEnd);
  const after = to + rdataEnd - from;
  write16(out, at + 8, after - at - 10);
  return after;
}
