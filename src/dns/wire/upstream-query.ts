/**
 * What we ask an upstream: rebuilt from the question alone, so nothing else of the client's message leaves.
 *
 *     id, RD + AD + CD | the name, each letter's case drawn at random, qtype, IN | OPT, 1232 octets, DO
 *
 * The drawn case (draft-vixie-dnsext-dns0x20) adds a bit a letter to what a forger has to guess.
 */
import { Flag, HEADER_OCTETS, RrType } from "./constants.ts";
import { write16 } from "./query.ts";
import { UDP_PAYLOAD_OCTETS } from "./reply.ts";

export interface UpstreamQuery {
  readonly id: number;
  readonly authenticData: boolean;
  readonly checkingDisabled: boolean;
  readonly dnssecOk: boolean;
  /** Off for an upstream that answers FORMERR to it. */
  readonly edns: boolean;
}

/** The most that {@link writeUpstreamQuery} writes for a question of that many octets. */
export function upstreamQueryOctets(questionOctets: number): number {
  return HEADER_OCTETS + questionOctets + 11;
}

/**
 * Writes the query at `at`; the question section is read from `question.octets[from, from + length)`. Each
 * letter's case is drawn from `randomOctet`; without it the name is copied as it stands. Returns the query's
 * length.
 */
export function writeUpstreamQuery(
  octets: Buffer,
  at: number,
  question: { readonly octets: Buffer; readonly from: number; readonly length: number },
  query: UpstreamQuery,
  randomOctet: (() => number) | undefined,
): number {
  write16(octets, at, query.id);
  octets[at + 2] = Flag.rd;
  octets[at + 3] = (query.authenticData ? Flag.ad : 0) | (query.checkingDisabled ? Flag.cd : 0);
  write16(octets, at + 4, 1);
  write16(octets, at + 6, 0);
  write16(octets, at + 8, 0);
  write16(octets, at + 10, query.edns ? 1 : 0);
  const nameEnd = question.length - 4;
  const target = at + HEADER_OCTETS;
  for (let i = 0; i < question.length; i++) {
    const octet = question.octets[question.from + i] ?? 0;
    const drawn = randomOctet !== undefined && i < nameEnd && isLetter(octet);
    octets[target + i] = drawn ? (octet | 0x20) ^ (randomOctet() & 0x20) : octet;
  }
  const end = target + question.length;
  if (!query.edns) return end - at;
  octets[end] = 0;
  write16(octets, end + 1, RrType.opt);
  write16(octets, end + 3, UDP_PAYLOAD_OCTETS);
  write16(octets, end + 5, 0);
  write16(octets, end + 7, query.dnssecOk ? 0x8000 : 0);
  write16(octets, end + 9, 0);
  return end + 11 - at;
}

/** Whether an octet of a name is a letter. A label's length is below 64, so none is taken for one. */
export function isLetter(octet: number): boolean {
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x7a && octet >= 0x41;
}
