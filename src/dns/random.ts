/** Random octets for ids, ports and letter case, a pool of which is drawn at a time. */
export interface RandomSource {
  octet(): number;
  /** 0 to 65,535. */
  word(): number;
  /** 0 to `bound - 1`; `bound` at most 65,536, and small bounds are as good as even. */
  below(bound: number): number;
}

/** `fill` gives a whole pool its octets. */
export function createRandomSource(fill: (pool: Uint8Array) => void, poolOctets = 8192): RandomSource {
  const pool = new Uint8Array(poolOctets);
  let at = poolOctets;
  function octet(): number {
    if (at === poolOctets) {
      fill(pool);
      at = 0;
    }
    return pool[at++] ?? 0;
  }
  const word = (): number => (octet() << 8) | octet();
  return { octet, word, below: (bound) => Math.floor((word() * bound) / 0x1_0000) };
}
