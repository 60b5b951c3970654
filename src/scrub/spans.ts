/** Stretches of a stream, and what takes their place. */

/** In octets from the stream's beginning. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * What takes a secret's place: a word, or as many stars as it had octets, so that lengths that stand before
 * it still hold.
 */
export type Fill = "word" | "stars";

export const EMPTY = Buffer.alloc(0);

const REDACTED = Buffer.from("[REDACTED]");

/** All of them, in order; those that lie over or directly beside each other are one. */
export function mergeSpans(one: readonly Span[], other: readonly Span[]): readonly Span[] {
  const merged: Span[] = [];
  for (const span of [...one, ...other].toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last === undefined || last.end < span.start) merged.push(span);
    else if (last.end < span.end) merged[merged.length - 1] = { start: last.start, end: span.end };
  }
  return merged;
}

/** Octets that stand at `at` of the stream, without what the spans cover. A word stands where one begins. */
export function coverOctets(
  octets: Buffer,
  at: number,
  { spans, fill }: { readonly spans: readonly Span[]; readonly fill: Fill },
): readonly Buffer[] {
  if (spans.length === 0) return [octets];
  const pieces: Buffer[] = [];
  const end = at + octets.length;
  let from = at;
  for (const span of spans) {
    if (span.start >= end) break;
    if (span.end <= at) continue;
    if (span.start > from) pieces.push(octets.subarray(from - at, span.start - at));
    const to = Math.min(span.end, end);
    if (fill === "stars") pieces.push(Buffer.alloc(to - Math.max(span.start, at), "*"));
    else if (span.start >= at) pieces.push(REDACTED);
    from = to;
  }
  if (from < end) pieces.push(octets.subarray(from - at));
  return pieces;
}
