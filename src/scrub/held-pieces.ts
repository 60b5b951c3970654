/** What a stream holds back, in the order in which it came: text, and heads of messages between. */
import { coverOctets, type Fill, type Span } from "./spans.ts";

export interface HeldPieces {
  addText(octets: Buffer): void;
  /** Goes on with the text in front of it. */
  addHead(octets: Buffer): void;
  /** How much text has come. */
  end(): number;
  /** How much of it has gone on. */
  passed(): number;
  /** The rest of it. */
  texts(): readonly Buffer[];
  /** Gives the text up to there, with what takes the place of the spans, and the heads in it. */
  release(until: number, spans: readonly Span[]): Buffer;
  /** What is held goes into memory of its own: a read's is large. */
  keep(): void;
}

interface Piece {
  readonly octets: Buffer;
  /** How much text of the stream stands before it. */
  readonly at: number;
  readonly isHead: boolean;
}

/** Pieces that have gone on and are not yet taken off the list. */
const FEW = 256;

export function createHeldPieces(fill: Fill): HeldPieces {
  /** Those before `first` have gone on, those before `kept` are in memory of their own. */
  let pieces: Piece[] = [];
  let first = 0;
  let kept = 0;
  let end = 0;
  let passed = 0;

  /** Gives what of it goes on, and what is left. */
  function split(
    { octets, at, isHead }: Piece,
    until: number,
    spans: readonly Span[],
  ): { readonly given: readonly Buffer[]; readonly left: Piece | undefined } {
    if (isHead) return { given: [octets], left: undefined };
    const given = coverOctets(octets.subarray(0, until - at), at, { spans, fill });
    const isWhole = at + octets.length <= until;
    return { given, left: isWhole ? undefined : { octets: octets.subarray(until - at), at: until, isHead } };
  }

  return {
    addText(octets) {
      pieces.push({ octets, at: end, isHead: false });
      end += octets.length;
    },
    addHead: (octets) => void pieces.push({ octets, at: end, isHead: true }),
    end: () => end,
    passed: () => passed,
    texts: () => pieces.slice(first).flatMap(({ octets, isHead }) => (isHead ? [] : [octets])),
    release(until, spans) {
      const all: Buffer[] = [];
      for (; first < pieces.length; first += 1) {
        const piece = pieces[first];
        if (piece === undefined || piece.at > until || (piece.at === until && !piece.isHead)) break;
        const { given, left } = split(piece, until, spans);
        all.push(...given);
        if (left === undefined) continue;
        pieces[first] = left;
        break;
      }
      passed = until;
      const [only] = all;
      return all.length === 1 && only !== undefined ? only : Buffer.concat(all);
    },
    keep() {
      for (let at = Math.max(first, kept); at < pieces.length; at += 1) {
        const piece = pieces[at];
        if (piece !== undefined) pieces[at] = { ...piece, octets: Buffer.from(piece.octets) };
      }
      kept = pieces.length;
      if (first < kept && first < FEW) return;
      pieces = pieces.slice(first);
      kept -= first;
      first = 0;
    },
  };
}
