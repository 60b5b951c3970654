/** Draws that a seed decides, so that a case is known by a number. */
export interface Random {
  /** A whole number from 0 to below `end`. */
  below(end: number): number;
  /** True once in `times`. */
  once(times: number): boolean;
  pick<T>(list: readonly [T, ...T[]]): T;
  octets(length: number): Buffer;
}

/** Mulberry32: 32 bits of state, good enough to be unlike the next seed's draws. */
export function createRandom(seed: number): Random {
  let state = Math.imul(seed, 0x9e37_79b9) >>> 0;
  function next(): number {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
  const below = (end: number): number => next() % end;
  return {
    below,
    once: (times) => below(times) === 0,
    pick: (list) => list[below(list.length)] ?? list[0],
    octets: (length) => Buffer.from(Array.from({ length }, () => below(256))),
  };
}
