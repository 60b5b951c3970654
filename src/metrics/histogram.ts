import type { HistogramPoint } from "./metric.ts";

export interface Histogram {
  /** Two array accesses and a few comparisons; allocates nothing. */
  record(value: number): void;
  read(): HistogramPoint;
}

/** Counts values in buckets with these upper bounds, ascending, each bound in its own bucket. */
export function createHistogram(bounds: readonly number[]): Histogram {
  const upper = Float64Array.from(bounds);
  const buckets = new Float64Array(bounds.length + 1);
  const total = new Float64Array(1);
  return {
    record(value) {
      let bucket = 0;
      while (bucket < upper.length && value > (upper[bucket] ?? 0)) bucket += 1;
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      total[0] = (total[0] ?? 0) + value;
    },
    read: () => ({
      count: buckets.reduce((sum, count) => sum + count, 0),
      sum: total[0] ?? 0,
      bounds,
      buckets: [...buckets],
    }),
  };
}
