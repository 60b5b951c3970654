/**
 * Times in 31 bits: tenths of a second since a start, rounded up, enough for six years. 0 stands for a time
 * that is not known.
 */
export interface LearnedTimes {
  toTick(timeMs: number): number;
  toMs(tick: number): number;
}

const TICK_MS = 100;

export function createLearnedTimes(startMs: number): LearnedTimes {
  return {
    toTick: (timeMs) => (timeMs === 0 ? 0 : 1 + Math.max(Math.ceil((timeMs - startMs) / TICK_MS), 0)),
    toMs: (tick) => (tick === 0 ? 0 : startMs + (tick - 1) * TICK_MS),
  };
}
