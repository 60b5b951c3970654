/**
 * Writes an answer anew with only the records that stay. Their names are written anew, too, since what they
 * point at may be gone: compressed as RFC 3597 section 4 lets them be, so that the answer is no longer than
 * the upstream's. The authority section is left out, and so are the last records if 64 KiB have no room for
 * all.
 */
import type { AnswerIndex } from "../wire/answer.ts";
import { skipName } from "../wire/compressed-name.ts";
import { HEADER_OCTETS, MAX_NAME_OCTETS, RrType } from "../wire/constants.ts";
import { createNameWriter, type NameSource } from "../wire/name-writer.ts";
import { write16 } from "../wire/query.ts";
import { findFirstName, namesLayout } from "../wire/rdata-names.ts";
import type { PreparedAnswer } from "./prepared-answer.ts";

const MAX_MESSAGE = 65_535;
/** Of owner, type, class, TTL and rdlength, all but the owner. */
const RECORD_HEAD = 10;

export interface AnswerToRebuild extends NameSource {
  readonly questionOctets: number;
}

/** Fills `into` with the records of `answer` that the index keeps. */
export type RebuildAnswer = (answer: AnswerToRebuild, index: AnswerIndex, into: PreparedAnswer) => void;

export function createAnswerRebuilder(): RebuildAnswer {
  const names = createNameWriter();

  /** Type, class, TTL, rdlength and rdata at `at`; returns the offset behind, or -1 for a malformed name. */
  function writeRecord(
    answer: AnswerToRebuild,
    index: AnswerIndex,
    i: number,
    out: Buffer,
    at: number,
  ): number {
    const { octets } = answer;
    const rdataAt = index.rdataAt[i] ?? 0;
    const rdataEnd = rdataAt + (index.rdataOctets[i] ?? 0);
    octets.copy(out, at, rdataAt - RECORD_HEAD, rdataEnd);
    const layout = namesLayout(index.type[i] ?? 0);
    if (layout === undefined) return at + RECORD_HEAD + rdataEnd - rdataAt;
    let from = findFirstName(octets, layout, rdataAt, rdataEnd);
    let to = at + RECORD_HEAD + from - rdataAt;
    for (let left = layout.names; left > 0; left--) {
      if (from < 0 || to < 0) return -1;
      to = names.write(answer, from, to, layout.mayPoint);
      from = skipName(octets, from, rdataEnd);
    }
    if (from < 0 || to < 0) return -1;
    octets.copy(out, to, from, rdataEnd);
    const after = to + rdataEnd - from;
    write16(out, at + 8, after - at - RECORD_HEAD);
    return after;
  }

  return function rebuildAnswer(answer, index, into) {
    const { octets, start, questionOctets } = answer;
    const bodyStart = HEADER_OCTETS + questionOctets;
    const out = Buffer.allocUnsafeSlow(bodyStart + Math.min(roomFor(index), MAX_MESSAGE));
    octets.copy(out, HEADER_OCTETS, start + HEADER_OCTETS, start + bodyStart);
    names.begin(out);
    into.octets = out;
    into.bodyStart = bodyStart;
    into.bodyEnd = bodyStart;
    into.answerCount = 0;
    into.authorityCount = 0;
    into.ttlCount = 0;
    into.addressCount = 0;
    for (let i = 0; i < index.count; i++) {
      if (index.keep[i] !== 1) continue;
      const afterOwner = names.write(answer, index.owner[i] ?? 0, into.bodyEnd, true);
      const afterRecord = afterOwner < 0 ? -1 : writeRecord(answer, index, i, out, afterOwner);
      // What a record without room has left behind is nothing that a later name may point to.
      if (afterRecord < 0 || afterRecord > MAX_MESSAGE) return;
      into.ttlAt[into.ttlCount++] = afterOwner + 4 - bodyStart;
      if (index.type[i] === RrType.a || index.type[i] === RrType.aaaa) {
        into.addressAt[into.addressCount++] = afterOwner + RECORD_HEAD - bodyStart;
      }
      into.answerCount += 1;
      into.bodyEnd = afterRecord;
    }
  };
}

/** The most that the kept records can take: three names each, as long as names get. */
function roomFor(index: AnswerIndex): number {
  let octets = 0;
  for (let i = 0; i < index.count; i++) {
    if (index.keep[i] === 1) octets += 3 * MAX_NAME_OCTETS + RECORD_HEAD + (index.rdataOctets[i] ?? 0);
  }
  return octets;
}
