/** What has happened since the start, counted where it happens: a number each, no labels, no cost. */
export interface Counters {
  /** Messages taken for a query, by transport, well-formed or not. */
  udpQueries: number;
  tcpQueries: number;
  /** Queries refused for what they are: malformed, of another class or opcode. */
  refused: number;
  denied: number;
  cacheHits: number;
  /** Questions that an identical one was under way for. */
  joined: number;
  /** Lookups begun at the upstreams, and how many of them were asked for over TCP, too. */
  forwarded: number;
  askedOverTcp: number;
  /** Lookups that no upstream answered with data or a clear no. */
  upstreamFailures: number;
  /** Of these, those where some upstream has said that it can't. */
  rcodeFailures: number;
  /** Answers held back because the kernel refused their addresses. */
  kernelFailures: number;
  /** Queries for which there was no room. */
  overloads: number;
  /** Lookups that were not sent upstream because of a bound on their parent. */
  limited: number;
  /** Datagrams from upstreams that answered nothing that was asked: late, doubled, or forged. */
  unmatchedResponses: number;
}

export function createCounters(): Counters {
  return {
    udpQueries: 0,
    tcpQueries: 0,
    refused: 0,
    denied: 0,
    cacheHits: 0,
    joined: 0,
    forwarded: 0,
    askedOverTcp: 0,
    upstreamFailures: 0,
    rcodeFailures: 0,
    kernelFailures: 0,
    overloads: 0,
    limited: 0,
    unmatchedResponses: 0,
  };
}
