/** Counts of decisions over time, of the last minutes. Its memory is fixed. */
import type { Side } from "./decision.ts";

export const BUCKET_SECONDS = 5;
/** Ten minutes. */
export const BUCKETS = 120;

export type Counts = Readonly<Record<Side, number>>;

export interface Timeline {
  /** One that is older than all buckets is not counted, one that is later than now counts as now. */
  count(side: Side, timeMs: number, nowMs: number): void;
  /** Seconds since 1970 at which each bucket begins, the oldest first, and the counts of each. */
  read(nowMs: number): { readonly seconds: readonly number[] } & Readonly<Record<Side, readonly number[]>>;
  /** Of all buckets together. */
  total(nowMs: number): Counts;
}

export function createTimeline(): Timeline {
  /** Of each place: which bucket of all time it holds. */
  const holds = new Float64Array(BUCKETS).fill(-1);
  const counts = {
    allowed: new Float64Array(BUCKETS),
    denied: new Float64Array(BUCKETS),
    other: new Float64Array(BUCKETS),
  };
  const read: Timeline["read"] = (nowMs) => {
    const newest = bucketOf(nowMs);
    const buckets = Array.from({ length: BUCKETS }, (_, at) => newest - BUCKETS + 1 + at);
    const of = (side: Side): readonly number[] =>
      buckets.map((bucket) =>
        holds[bucket % BUCKETS] === bucket ? (counts[side][bucket % BUCKETS] ?? 0) : 0,
      );
    const seconds = buckets.map((bucket) => bucket * BUCKET_SECONDS);
    return { seconds, allowed: of("allowed"), denied: of("denied"), other: of("other") };
  };
  return {
    count(side, timeMs, nowMs) {
      const newest = bucketOf(nowMs);
      const bucket = Math.min(bucketOf(timeMs), newest);
      if (!(bucket > newest - BUCKETS)) return;
      const place = bucket % BUCKETS;
      if (holds[place] !== bucket) {
        holds[place] = bucket;
        for (const one of Object.values(counts)) one[place] = 0;
      }
      counts[side][place] = (counts[side][place] ?? 0) + 1;
    },
    read,
    total(nowMs) {
      const { allowed, denied, other } = read(nowMs);
      return { allowed: sum(allowed), denied: sum(denied), other: sum(other) };
    },
  };
}

function bucketOf(timeMs: number): number {
  return Math.floor(timeMs / (1000 * BUCKET_SECONDS));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
