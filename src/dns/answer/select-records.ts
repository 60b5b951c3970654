/**
 * Which records of an answer belong to the question: the chain of aliases is followed from the question's
 * name, and each record that has the name it has come to is judged. A DNAME belongs to it if it stands above
 * the chain's name (RFC 6672), so that a client may check where an alias comes from. Marks them in the index.
 */
import { MAX_ADDRESSES } from "./prepared-answer.ts";
import type { AnswerIndex } from "../wire/answer.ts";
import { isBelow, sameName } from "../wire/compressed-name.ts";
import { HEADER_OCTETS, RrType } from "../wire/constants.ts";
import { read16 } from "../wire/query.ts";
import { hasWholeNames } from "../wire/rdata-names.ts";

/** Aliases followed. Resolvers follow 8 to 16, so a longer chain is somebody's mistake. */
const MAX_CHAIN = 16;
/**
 * Names compared for one answer. An honest one takes few, since its addresses point to one name, which is
 * compared once.
 */
const MAX_COMPARED = 2048;
/** What it counts to look for a name among those above another. */
const COMPARED_ABOVE = 16;
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

/** The chain's name, and what is known of owners that were compared with it. */
interface ChainState {
  name: number;
  /** Where the next name stands once there is an alias. */
  next: number;
  /**
   * The pointer that the last owner consists of, and whether it is the chain's name; records of one owner are
   * many.
   */
  pointer: number;
  isPointerSame: boolean;
  compared: number;
}

/**
 * Marks the records that stay, and says whether addresses had to go. False for an answer that does not come
 * to an end: its chain is too long, or there is too much to compare before any record of the type is found.
 * Past that, what has been found stays.
 */
export function selectRecords(answer: AnswerToSelect, index: AnswerIndex): boolean {
  index.kept = 0;
  index.filtered = false;
  index.withheldAt = -1;
  index.withheld = 0;
  index.keptAddresses = 0;
  let hasType = false;
  const chain: ChainState = {
    name: answer.start + HEADER_OCTETS,
    next: CHAIN_ENDS,
    pointer: -1,
    isPointerSame: false,
    compared: 0,
  };
  for (let hop = 0; chain.name !== CHAIN_ENDS; hop++) {
    if (hop > MAX_CHAIN) return false;
    chain.next = CHAIN_ENDS;
    chain.pointer = -1;
    for (let i = 0; i < index.count; i++) {
      if (index.keep[i] === 1 || !isWanted(answer, index.type[i] ?? 0, chain.next)) continue;
      if (chain.compared > MAX_COMPARED) return hasType || index.filtered;
      if (!isOnChain(answer, index, i, chain) || !mayStay(answer, index, i)) continue;
      index.keep[i] = 1;
      index.kept += 1;
      if (index.type[i] === answer.qtype) hasType = true;
      else if (index.type[i] === RrType.cname) chain.next = index.rdataAt[i] ?? 0;
    }
    chain.name = chain.next;
  }
  return true;
}

/** Of several aliases of one name the first is followed, and the others go. */
function isWanted({ qtype, dnssecOk }: AnswerToSelect, type: number, next: number): boolean {
  if (type === qtype || type === RrType.dname) return true;
  return (type === RrType.cname && next === CHAIN_ENDS) || (type === RrType.rrsig && dnssecOk);
}

/** Whether the record's owner is the chain's name, or above it for a DNAME and its signature. */
function isOnChain(answer: AnswerToSelect, index: AnswerIndex, i: number, chain: ChainState): boolean {
  const { octets, start, end } = answer;
  const owner = index.owner[i] ?? 0;
  if (covers(answer, index, i) === RrType.dname) {
    chain.compared += COMPARED_ABOVE;
    if (isBelow(octets, start, chain.name, owner, end)) return true;
  }
  const pointer = (octets[owner] ?? 0) >= 0xc0 ? read16(octets, owner) : -1;
  if (pointer >= 0 && pointer === chain.pointer) return chain.isPointerSame;
  chain.compared += 1;
  const isSame = sameName(octets, start, owner, chain.name, end);
  chain.pointer = pointer;
  chain.isPointerSame = isSame;
  return isSame;
}

/** The type that a signature is for (RFC 4034 section 3.1.1), of any other record its own. */
function covers({ octets }: AnswerToSelect, index: AnswerIndex, i: number): number {
  const type = index.type[i] ?? 0;
  if (type !== RrType.rrsig || (index.rdataOctets[i] ?? 0) < 2) return type;
  return read16(octets, index.rdataAt[i] ?? 0);
}

/**
 * Judges a record that has the chain's name: an address by the policy, any other by whether its own names are
 * whole.
 */
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
  if (!fits) return false;
  if (index.withheld === 0) index.withheldAt = rdataAt;
  index.withheld += 1;
  return false;
}
