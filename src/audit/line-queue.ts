/**
 * A line with its line feed: as text, or as the first `length` octets of memory. The memory is the writer's
 * again once the line is taken.
 */
export type Line = string | EncodedLine;

export interface EncodedLine {
  octets(): Buffer;
  length(): number;
}

/**
 * Lines that wait, in pieces of memory that are used again: however many lines pass, none is left to the
 * garbage collector.
 */
export interface LineQueue {
  push(line: Line): void;
  /** Octets that wait; what is taken does not. */
  octets(): number;
  /**
   * The oldest lines, whole, a piece of them at most; undefined when none wait. To be given back before the
   * next is taken.
   */
  take(): Buffer | undefined;
  /** Gives back what was taken last. */
  release(): void;
}

interface Piece {
  readonly memory: Buffer;
  used: number;
}

/** A line that is longer than `pieceOctets` gets a piece of its own. */
export function createLineQueue(pieceOctets: number): LineQueue {
  const full: Piece[] = [];
  let filling: Piece | undefined;
  let taken: Piece | undefined;
  let spare: Piece | undefined;
  let waiting = 0;

  function roomFor(length: number): Piece {
    if (filling !== undefined && filling.used + length <= filling.memory.length) return filling;
    if (filling !== undefined) full.push(filling);
    filling = takeSpare(length) ?? { memory: Buffer.allocUnsafeSlow(Math.max(length, pieceOctets)), used: 0 };
    return filling;
  }
  function takeSpare(length: number): Piece | undefined {
    if (spare === undefined || length > spare.memory.length) return undefined;
    const piece = spare;
    spare = undefined;
    return piece;
  }

  return {
    push(line) {
      const length = typeof line === "string" ? Buffer.byteLength(line) : line.length();
      const piece = roomFor(length);
      if (typeof line === "string") piece.memory.write(line, piece.used);
      else line.octets().copy(piece.memory, piece.used, 0, length);
      piece.used += length;
      waiting += length;
    },
    octets() {
      return waiting;
    },
    take() {
      taken = full.shift();
      if (taken === undefined) {
        taken = filling;
        filling = undefined;
      }
      if (taken === undefined) return undefined;
      waiting -= taken.used;
      return taken.memory.subarray(0, taken.used);
    },
    release() {
      if (taken?.memory.length === pieceOctets) {
        taken.used = 0;
        spare = taken;
      }
      taken = undefined;
    },
  };
}
