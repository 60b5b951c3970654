/** A question for an upstream over TCP. */
export interface ExchangeRequest {
  readonly upstream: number;
  readonly query: Buffer;
  /** Whom it counts for: groups share connections fairly (`bounds/lookup-groups.ts`). */
  readonly group: number;
  readonly timeoutMs: number;
  /**
   * Asked when a place has been found for it, which may be late: an answer that nobody wants is not asked
   * for.
   */
  readonly isWanted: () => boolean;
}

/** How queries reach the upstreams. `io/` has the real one; a test may have its own. */
export interface UpstreamTransport {
  /** How many upstreams there are; they are named by index. */
  readonly count: number;
  /**
   * Draws an id at random for one query to that upstream, and at the first since the last `flush` a socket,
   * and returns the attempt's key (31 bits, the last 16 of which are the id), which comes back with the
   * answer. `isTaken` tells keys that still wait. -1 when no socket can be had.
   */
  draw(upstream: number, isTaken: (attempt: number) => boolean): number;
  /** Offset in the arena of room for the drawn attempt's query. */
  reserve(octets: number): number;
  /** Queues it; it leaves with the next `flush`. */
  send(at: number, length: number): void;
  flush(): void;
  /** One query over TCP, under the query's own id; undefined when no answer came in time. Never rejects. */
  exchange(request: ExchangeRequest): Promise<Buffer | undefined>;
}
