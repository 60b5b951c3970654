/**
 * What a server sends, from one of its octets on, put in order by its sequence numbers: where a segment
 * begins says nothing, since a client can have the server cut its answer anywhere.
 */
export interface AnswerText {
  /** Takes a packet's data, whatever came before it. */
  take(sequence: number, data: Buffer): void;
  /** All that has come without a gap, up to the bound. */
  text(): Buffer;
  /** Octets that it keeps: up to twice the bound. */
  size(): number;
}

interface Piece {
  /** Its place, from the first octet on. */
  readonly at: number;
  readonly octets: Buffer;
}

/** Sequence numbers come again after four GiB. Long before that, what is missing will not come any more. */
const MAX_PLACE = 1 << 30;
/** Behind a gap; what finds no room is missing for good. */
const MAX_PIECES = 64;

/** `start`: the sequence number of the first octet. */
export function createAnswerText(start: number, maxOctets: number): AnswerText {
  let text = Buffer.alloc(0);
  /** Behind a gap. */
  let apart: readonly Piece[] = [];
  let isOver = false;
  const sizeApart = (): number => apart.reduce((sum, { octets }) => sum + octets.length, 0);

  function append({ at, octets }: Piece): void {
    text = Buffer.concat([text, octets.subarray(text.length - at)]);
  }
  const isNew = ({ at, octets }: Piece): boolean => at + octets.length > text.length;
  function joinApart(): void {
    for (let next: Piece | undefined; ; append(next)) {
      apart = apart.filter(isNew);
      next = apart.find(({ at }) => at <= text.length);
      if (next === undefined) return;
    }
  }

  return {
    text: () => text,
    size: () => text.length + sizeApart(),
    take(sequence, data) {
      const at = (sequence - start) | 0;
      isOver ||= Math.abs(at) > MAX_PLACE;
      if (isOver || at >= maxOctets || at + data.length <= text.length) return;
      const octets = data.subarray(0, maxOctets - at);
      if (at <= text.length) {
        append({ at, octets });
        joinApart();
      } else if (apart.length < MAX_PIECES && sizeApart() + octets.length <= maxOctets)
        apart = [...apart, { at, octets: Buffer.from(octets) }];
    },
  };
}
