/**
 * Octets put together in one piece of memory: a body in a million chunks takes no more than one in a single
 * chunk.
 */
export interface GrowingBuffer {
  /** False if they would be more than the limit, or nothing is kept any more: nothing is added then. */
  add(octets: Buffer): boolean;
  /** What it takes, empty room included. */
  capacity(): number;
  /** Gives all of it in a piece of its own, and keeps nothing. */
  take(): Buffer;
  /** Frees it, and keeps nothing that is added later. */
  release(): void;
}

const FIRST_OCTETS = 4096;

export function createGrowingBuffer(limitOctets: number): GrowingBuffer {
  let memory = new ArrayBuffer(0);
  let length = 0;
  let limit = limitOctets;
  function reserve(wanted: number): void {
    if (wanted <= memory.byteLength) return;
    // The smaller piece is freed at once, rather than when V8 collects.
    memory = memory.transfer(Math.max(wanted, Math.min(limit, 2 * memory.byteLength), FIRST_OCTETS));
  }
  function empty(keptOctets: number): ArrayBuffer {
    const kept = memory.transfer(keptOctets);
    memory = new ArrayBuffer(0);
    length = 0;
    limit = -1;
    return kept;
  }
  return {
    add(octets) {
      if (length + octets.length > limit) return false;
      reserve(length + octets.length);
      new Uint8Array(memory).set(octets, length);
      length += octets.length;
      return true;
    },
    capacity: () => memory.byteLength,
    take: () => Buffer.from(empty(length)),
    release: () => void empty(0),
  };
}
