/**
 * The octets of a flow that were judged and are not acknowledged yet. Until the far end has them, others may
 * come under the same sequence numbers: a sender can have the judged ones lost on their way. What comes again
 * must be the same.
 *
 * Places are octets from the flow's first one on, so sequence numbers may wrap.
 */
export interface JudgedText {
  /** Keeps a copy of octets that follow what it kept before. */
  keep(at: number, octets: Buffer): void;
  /** Whether what comes at this place equals what was judged, as far as that goes. */
  isSame(at: number, octets: Buffer): boolean;
  /** The far end has everything ahead of this place. */
  acknowledge(at: number): void;
  /** Octets that are kept. */
  size(): number;
}

interface Span {
  readonly at: number;
  readonly octets: Buffer;
}

export function createJudgedText(): JudgedText {
  let spans: readonly Span[] = [];
  let size = 0;
  return {
    keep(at, octets) {
      if (octets.length === 0) return;
      spans = [...spans, { at, octets: Buffer.from(octets) }];
      size += octets.length;
    },
    isSame: (at, octets) => spans.every((span) => isSameAs(span, at, octets)),
    acknowledge(at) {
      const left = spans.filter((span) => span.at + span.octets.length > at);
      if (left.length === spans.length) return;
      spans = left;
      size = left.reduce((sum, { octets }) => sum + octets.length, 0);
    },
    size: () => size,
  };
}

function isSameAs(span: Span, at: number, octets: Buffer): boolean {
  const from = Math.max(span.at, at);
  const to = Math.min(span.at + span.octets.length, at + octets.length);
  if (from >= to) return true;
  return span.octets.compare(octets, from - at, to - at, from - span.at, to - span.at) === 0;
}
