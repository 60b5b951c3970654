/** Hands out regions of one arena, in order. */
export interface Region {
  /** Offset of that many octets. Throws a RangeError when the region is used up. */
  take(octets: number): number;
}

/** A region of `octets` octets from `start` on. Throws a RangeError when it is used up. */
export function createRegion(start: number, octets: number): Region {
  let at = start;
  return {
    take(wanted) {
      const taken = at;
      at += Math.ceil(wanted / 8) * 8;
      if (at > start + octets) throw new RangeError(`arena used up: ${wanted} octets wanted`);
      return taken;
    },
  };
}
