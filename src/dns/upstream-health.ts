/** Which upstream is asked next. In the order of the settings; those that have stopped answering come last until they answer again. */

/** Timeouts in a row after which an upstream counts as dead. */
const DEAD_AFTER = 3;

export interface UpstreamHealth {
  /** The upstream for try number `tries` of a lookup, the first being 0. */
  choose(tries: number): number;
  answered(upstream: number): void;
  timedOut(upstream: number): void;
  isAlive(upstream: number): boolean;
}

export function createUpstreamHealth(count: number): UpstreamHealth {
  const timeouts = new Uint32Array(count);
  let order = Array.from({ length: count }, (_, index) => index);
  const isAlive = (upstream: number): boolean => (timeouts[upstream] ?? 0) < DEAD_AFTER;
  function reorder(): void {
    const all = Array.from({ length: count }, (_, index) => index);
    order = [...all.filter(isAlive), ...all.filter((upstream) => !isAlive(upstream))];
  }
  return {
    choose: (tries) => order[tries % count] ?? 0,
    answered(upstream) {
      const wasDead = !isAlive(upstream);
      timeouts[upstream] = 0;
      if (wasDead) reorder();
    },
    timedOut(upstream) {
      const wasAlive = isAlive(upstream);
      timeouts[upstream] = (timeouts[upstream] ?? 0) + 1;
      if (wasAlive && !isAlive(upstream)) reorder();
    },
    isAlive,
  };
}
