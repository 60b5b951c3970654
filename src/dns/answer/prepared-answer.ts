/**
 * An answer that is fit to be given out: cleaned, with the places marked that change from client to client (id, question, OPT)
 * and from second to second (TTLs). Its octets belong to whoever has prepared it: the upstream's datagram, the cache.
 */
import { Ede, HEADER_OCTETS } from "../wire/constants.ts";
import { write16, type Query } from "../wire/query.ts";
import { writeOpt, writeReplyHeader } from "../wire/reply.ts";

/** Of more addresses in one answer the first ones are taken: half of what one name may have learned, since it has two families. */
export const MAX_ADDRESSES = 512;
const MAX_TTLS = 1088;

export interface PreparedAnswer {
  octets: Buffer;
  /** The records: from behind the question to the end of the authority section. */
  bodyStart: number;
  bodyEnd: number;
  /** The number under which the cache keeps it: one of its own for each answer, from 1; 0 for one that is not from the cache. */
  serial: number;
  rcode: number;
  answerCount: number;
  authorityCount: number;
  /** Extended DNS error to tell, or Ede.none. */
  ede: number;
  /** How long it may be given out, 300 at most; 0: not to be kept. */
  ttlSeconds: number;
  /** Offsets of TTL fields, from `bodyStart`. */
  readonly ttlAt: Uint16Array;
  ttlCount: number;
  /** Offsets of addresses, from `bodyStart`, and octets of each: 4 or 16. */
  readonly addressAt: Uint16Array;
  addressCount: number;
  addressOctets: 4 | 16;
}

export function createPreparedAnswer(): PreparedAnswer {
  return {
    octets: Buffer.alloc(0),
    bodyStart: 0,
    bodyEnd: 0,
    serial: 0,
    rcode: 0,
    answerCount: 0,
    authorityCount: 0,
    ede: Ede.none,
    ttlSeconds: 0,
    ttlAt: new Uint16Array(MAX_TTLS),
    ttlCount: 0,
    addressAt: new Uint16Array(MAX_ADDRESSES),
    addressCount: 0,
    addressOctets: 4,
  };
}

/** What an answer takes from the query that it goes to. */
export type ReplyHeader = Pick<
  Query,
  "id" | "opcode" | "recursionDesired" | "checkingDisabled" | "hasEdns" | "dnssecOk" | "questionOctets"
>;

/** Octets of the message that {@link writeAnswer} writes. */
export function answerOctets(answer: PreparedAnswer, asker: ReplyHeader): number {
  return (
    HEADER_OCTETS +
    asker.questionOctets +
    (answer.bodyEnd - answer.bodyStart) +
    (asker.hasEdns ? (answer.ede === Ede.none ? 11 : 17) : 0)
  );
}

/** Writes the message at `at`, behind which the asker's question stands already at `at + 12`. TTLs are lowered by the answer's age. */
export function writeAnswer(
  out: Buffer,
  at: number,
  answer: PreparedAnswer,
  asker: ReplyHeader,
  ageSeconds: number,
): void {
  writeReplyHeader(out, at, asker, answer.rcode, false);
  write16(out, at + 4, 1);
  write16(out, at + 6, answer.answerCount);
  write16(out, at + 8, answer.authorityCount);
  write16(out, at + 10, asker.hasEdns ? 1 : 0);
  const body = at + HEADER_OCTETS + asker.questionOctets;
  answer.octets.copy(out, body, answer.bodyStart, answer.bodyEnd);
  if (ageSeconds > 0) {
    for (let i = 0; i < answer.ttlCount; i++) {
      const ttlAt = body + (answer.ttlAt[i] ?? 0);
      out.writeUInt32BE(Math.max(out.readUInt32BE(ttlAt) - ageSeconds, 0), ttlAt);
    }
  }
  if (asker.hasEdns) {
    writeOpt(out, body + answer.bodyEnd - answer.bodyStart, asker.dnssecOk, answer.rcode, answer.ede);
  }
}

/** Prepared answers for one pass of the loop: taken one by one, all free again after `reset`. */
export interface PreparedPool {
  take(): PreparedAnswer;
  reset(): void;
}

export function createPreparedPool(): PreparedPool {
  const pool: PreparedAnswer[] = [];
  let taken = 0;
  return {
    take() {
      const answer = (pool[taken] ??= createPreparedAnswer());
      taken += 1;
      return answer;
    },
    reset() {
      taken = 0;
    },
  };
}
