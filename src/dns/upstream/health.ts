/**
 * Which upstream is asked next. In the order of the settings; those that have stopped answering come last
 * until they answer again.
 */

/** Upstreams are kept in the bits of a number. */
export const MAX_UPSTREAMS = 31;
/** Timeouts in a row after which an upstream counts as dead, if no probe looks after it. */
const DEAD_AFTER = 3;

export interface UpstreamHealth {
  /**
   * The upstream to ask next: the first that `asked` does not hold, otherwise any in turn (`tries` counts)
   * that `exhausted` does not hold. Both hold an upstream as the bit of its index. -1 if there is none.
   */
  choose(asked: number, exhausted: number, tries: number): number;
  /** Those that stand before it in the order in which they are asked now, as bits. */
  before(upstream: number): number;
  answered(upstream: number): void;
  timedOut(upstream: number): void;
  /** A probe has failed: dead, however few lookups have noticed. */
  markDead(upstream: number): void;
  isAlive(upstream: number): boolean;
}

export function createUpstreamHealth(count: number): UpstreamHealth {
  if (count > MAX_UPSTREAMS) throw new RangeError(`${count} upstreams are more than ${MAX_UPSTREAMS}`);
  const timeouts = new Uint32Array(count);
  const order = Array.from({ length: count }, (_, index) => index);
  const isAlive = (upstream: number): boolean => (timeouts[upstream] ?? 0) < DEAD_AFTER;

  function set(upstream: number, value: number): void {
    const wasAlive = isAlive(upstream);
    timeouts[upstream] = value;
    if (wasAlive !== isAlive(upstream)) order.sort(byLifeThenIndex);
  }
  const byLifeThenIndex = (a: number, b: number): number => Number(isAlive(b)) - Number(isAlive(a)) || a - b;

  return {
    choose(asked, exhausted, tries) {
      for (let i = 0; i < count; i++) {
        const upstream = order[i] ?? 0;
        if ((asked & (1 << upstream)) === 0) return upstream;
      }
      for (let i = 0; i < count; i++) {
        const upstream = order[(tries + i) % count] ?? 0;
        if ((exhausted & (1 << upstream)) === 0) return upstream;
      }
      return -1;
    },
    before(upstream) {
      let found = 0;
      for (let i = 0; i < count && order[i] !== upstream; i++) found |= 1 << (order[i] ?? 0);
      return found;
    },
    answered: (upstream) => set(upstream, 0),
    timedOut: (upstream) => set(upstream, Math.min((timeouts[upstream] ?? 0) + 1, DEAD_AFTER)),
    markDead: (upstream) => set(upstream, DEAD_AFTER),
    isAlive,
  };
}
