/**
 * What an upstream's message is worth to the lookup that asked for it. Only looks: what follows from it is
 * the forwarder's.
 */
import type { CleanAnswer } from "../answer/clean-answer.ts";
import type { PreparedAnswer } from "../answer/prepared-answer.ts";
import type { LookupPolicy } from "../ports.ts";
import { isTruncated, refusesEdns, type AnswerIndex } from "../wire/answer.ts";
import { Flag, Rcode } from "../wire/constants.ts";
import type { Lookup } from "./lookups.ts";

/** A message from an upstream that answers the lookup's question, and how it came. */
export interface Arrival {
  octets: Buffer;
  start: number;
  end: number;
  upstream: number;
  overTcp: boolean;
}

export const Worth = {
  /** Records of the type that was asked for, also if the policy has taken all of them out. */
  data: 0,
  /** "No such name" or "no data" (RFC 2308 section 2). */
  negative: 1,
  /** A referral to other servers (RFC 2308 section 2.2), with which a forwarder can do nothing. */
  referral: 2,
  /**
   * An empty answer of a server that neither knows the name nor looks it up: "no data" if nobody says more.
   */
  empty: 3,
  /** Too long for a datagram. */
  truncated: 4,
  /** The upstream may not know EDNS. */
  refusesEdns: 5,
  /** An rcode that says nothing about the name. */
  failure: 6,
  /** Malformed, or truncated over TCP. */
  useless: 7,
} as const;
export type Worth = (typeof Worth)[keyof typeof Worth];

export interface WeigherOptions {
  readonly clean: CleanAnswer;
  readonly index: AnswerIndex;
  readonly admitsAddress: LookupPolicy["admitsAddress"];
}

/** Makes what weighs a message; the cleaned answer is then in `prepared`, and its rcode in `index.rcode`. */
export function createWeigher({
  clean,
  index,
  admitsAddress,
}: WeigherOptions): (lookup: Lookup, arrival: Arrival, prepared: PreparedAnswer) => Worth {
  return (lookup, { octets, start, end, overTcp }, prepared) => {
    if (isTruncated(octets, start)) return overTcp ? Worth.useless : Worth.truncated;
    if (!clean(octets, start, end, lookup, admitsAddress, prepared)) return Worth.useless;
    if (index.rcode === Rcode.nxDomain) return Worth.negative;
    if (index.rcode === Rcode.noError) {
      if (hasData(index, lookup.qtype)) return Worth.data;
      return isLame(octets, start, index) ? worthOfLame(index) : Worth.negative;
    }
    return lookup.edns && refusesEdns(index.rcode) ? Worth.refusesEdns : Worth.failure;
  };
}

function hasData(index: AnswerIndex, qtype: number): boolean {
  if (index.filtered) return true;
  for (let i = 0; i < index.count; i++) if (index.keep[i] === 1 && index.type[i] === qtype) return true;
  return false;
}

/**
 * Neither an authority of the name nor a server that recurses: glibc asks the next one then, too
 * (`res_send.c`).
 */
function isLame(octets: Buffer, start: number, index: AnswerIndex): boolean {
  const isAuthority = ((octets[start + 2] ?? 0) & Flag.aa) !== 0;
  const recurses = ((octets[start + 3] ?? 0) & Flag.ra) !== 0;
  return index.count === 0 && !isAuthority && !recurses;
}

/** A SOA in the authority section makes it a "no data" of some kind, name servers alone a referral. */
function worthOfLame(index: AnswerIndex): Worth {
  return index.authorityCount > 0 && index.negativeTtlSeconds < 0 ? Worth.referral : Worth.empty;
}
