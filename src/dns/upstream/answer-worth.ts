/** What an upstream's message is worth to the lookup that asked for it. Only looks: what follows from it is the forwarder's. */
import type { CleanAnswer } from "../answer/clean-answer.ts";
import type { LookupPolicy } from "../ports.ts";
import type { PreparedAnswer } from "../answer/prepared-answer.ts";
import { isTruncated, refusesEdns, type AnswerIndex } from "../wire/answer.ts";
import { Rcode } from "../wire/constants.ts";
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
  /** Data, or a clear no: the lookup is over. */
  final: 0,
  /** Too long for a datagram. */
  truncated: 1,
  /** The upstream may not know EDNS. */
  refusesEdns: 2,
  /** An rcode that says nothing about the name. */
  failure: 3,
  /** Malformed, or truncated over TCP. */
  useless: 4,
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
    if (index.rcode === Rcode.noError || index.rcode === Rcode.nxDomain) return Worth.final;
    return lookup.edns && refusesEdns(index.rcode) ? Worth.refusesEdns : Worth.failure;
  };
}
