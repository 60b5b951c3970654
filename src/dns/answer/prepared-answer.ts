/**
 * An answer that is fit to be given out: cleaned, with the places marked that change from client to client
 * (id, question, OPT) and from second to second (TTLs). Its octets belong to the part that has prepared it:
 * the
 * upstream's datagram, the cache.
 */
import { Ede } from "../wire/constants.ts";

/**
 * Of more addresses in one answer the first ones are taken: half of what one name may have learned, since it
 * has two families.
 */
export const MAX_ADDRESSES = 512;
const MAX_TTLS = 1088;

export interface PreparedAnswer {
  octets: Buffer;
  /** The records: from behind the question to the end of the authority section. */
  bodyStart: number;
  bodyEnd: number;
  /**
   * The number under which the cache keeps it: one of its own for each answer, from 1; 0 for one that is not
   * from the cache.
   */
  serial: number;
  rcode: number;
  /** Whether the upstream says that it has validated it (AD), and nothing of it is changed. */
  isAuthentic: boolean;
  answerCount: number;
  authorityCount: number;
  /** Whether a record of the type that was asked for is among them. */
  hasData: boolean;
  /**
   * How many addresses were taken out: the first of them stands in `withheld`, in `addressOctets` octets. Of
   * one from the cache that is not known.
   */
  withheldCount: number;
  readonly withheld: Uint8Array;
  /** Extended DNS error to tell, or Ede.none. */
  ede: number;
  /** How long it may be given out, 300 at most; 0: not to be kept. */
  ttlSeconds: number;
  /** Offsets of TTL fields, from `bodyStart`, in the order of the records. */
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
    isAuthentic: false,
    answerCount: 0,
    authorityCount: 0,
    hasData: false,
    withheldCount: 0,
    withheld: new Uint8Array(16),
    ede: Ede.none,
    ttlSeconds: 0,
    ttlAt: new Uint16Array(MAX_TTLS),
    ttlCount: 0,
    addressAt: new Uint16Array(MAX_ADDRESSES),
    addressCount: 0,
    addressOctets: 4,
  };
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
