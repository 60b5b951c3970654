/**
 * How much a resolver may hold at once. Memory for all of it is reserved at the start, and touched only as
 * things come.
 */
export interface DnsCapacity {
  /**
   * Clients that wait for an answer: some 310 octets each. More than a batch of queries, which is kept free
   * for cached answers.
   */
  readonly maxWaiters: number;
  /** Lookups that wait for upstreams: some 520 octets each. */
  readonly maxLookups: number;
  /** Answers in the cache, 40 octets each, and the octets of all of them. */
  readonly cachedAnswers: number;
  readonly cacheOctets: number;
  /**
   * Parents whose lookups are counted by themselves, and names that are remembered for all of them: 41 and 32
   * octets each.
   */
  readonly boundParents: number;
  readonly boundNames: number;
}

export const DEFAULT_DNS_CAPACITY: DnsCapacity = {
  maxWaiters: 8192,
  maxLookups: 8192,
  cachedAnswers: 8192,
  cacheOctets: 2 << 20,
  boundParents: 4096,
  boundNames: 65_536,
};
