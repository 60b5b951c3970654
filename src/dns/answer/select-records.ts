/**
 * Which records of an answer belong to the question: the chain of aliases is followed from the question's name, and each record that has
 * the name it has come to is judged. Marks them in the index.
 */
import { MAX_ADDRESSES } from "./prepared-answer.ts";
import type { AnswerIndex } from "../wire/answer.ts";
import { sameName } from "../wire/compressed-name.ts";
import { HEADER_OCTETS, RrType } from "../wire/constants.ts";
import { hasWholeNames } from "../wire/rdata-names.ts";

const MAX_CHAIN = 16;
/** Owners compared for one answer; one with more to compare counts as malformed. A long honest chain with its addresses takes some hundred. */
const MAX_COMPARED = 2048;
/** No further alias. */
const CHAIN_ENDS = -1;

/** Whether the address at `octets[at, at + length)` may be given out. */
export type AdmitAddress = (octets: Buffer, at: number, length: 4 | 16) => boolean;

/** An answer where it stands, and what was asked. */
export interface AnswerToSelect {
  octets: Buffer;
  start: number;
  end: number;
  qtype: number;
  dnssecOk: boolean;
  admit: AdmitAddress;
}

/** Marks the records that stay, and says whether addresses had to go; false if it would have to compare too much. */
export function selectRecords(answer: AnswerToSelect, index: AnswerIndex): boolean {
  index.kept = 0;
  index.filtered = false;
  index.keptAddresses = 0;
  let compared = 0;
  let name = answer.start + HEADER_OCTETS;
  for (let hop = 0; hop <= MAX_CHAIN && name !== CHAIN_ENDS; hop++) {
    let next = CHAIN_ENDS;
    for (let i = 0; i < index.count; i++) {
      if (index.keep[i] === 1 || !isWanted(answer, index.type[i] ?? 0, next)) continue;
      if (++compared > MAX_COMPARED) return false;
      if (!sameName(answer.octets, answer.start, index.owner[i] ?? 0, name, answer.end)) continue;
      if (!mayStay(answer, index, i)) continue;
      index.keep[i] = 1;
      index.kept += 1;
      if (index.type[i] === RrType.cname && answer.qtype !== RrType.cname) next = index.rdataAt[i] ?? 0;
    }
    name = next;
  }
  return true;
}

/** Of several aliases of one name the first is followed, and the others go. */
function isWanted({ qtype, dnssecOk }: AnswerToSelect, type: number, next: number): boolean {
  if (type === qtype) return true;
  return (type === RrType.cname && next === CHAIN_ENDS) || (type === RrType.rrsig && dnssecOk);
}

/** Judges a record that has the chain's name: an address by the policy, any other by whether its own names are whole. */
function mayStay(answer: AnswerToSelect, index: AnswerIndex, i: number): boolean {
  const { octets, start, end, qtype, admit } = answer;
  const type = index.type[i] ?? 0;
  const rdataAt = index.rdataAt[i] ?? 0;
  const rdataOctets = index.rdataOctets[i] ?? 0;
  const addressOctets = type === RrType.a ? 4 : type === RrType.aaaa ? 16 : 0;
  if (type !== qtype || addressOctets === 0) {
    // None may lead into the header, of which a client gets another, or nowhere.
    return hasWholeNames(octets, start, end, type, rdataAt, rdataAt + rdataOctets);
  }
  const fits = rdataOctets === addressOctets && index.keptAddresses < MAX_ADDRESSES;
  if (fits && admit(octets, rdataAt, addressOctets)) {
    index.keptAddresses += 1;
    return true;
  }
  index.filtered = true;
  return false;
}
