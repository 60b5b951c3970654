/** So long a step of the machine's clock goes unseen. */
const GOOD_MS = 100;

/**
 * Unix time, in whole milliseconds, of moments that another clock of milliseconds has told. The machine's
 * clock is read ten times a second at most: one look at it takes 60 ns, as much as all else that is noted of
 * a lookup.
 */
export function createUnixTime(readUnixMs: () => number): (nowMs: number) => number {
  let aheadMs = 0;
  let readAtMs = Number.NEGATIVE_INFINITY;
  return (nowMs) => {
    if (nowMs - readAtMs >= GOOD_MS) {
      aheadMs = readUnixMs() - nowMs;
      readAtMs = nowMs;
    }
    return Math.floor(nowMs + aheadMs);
  };
}
