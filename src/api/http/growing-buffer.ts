/** Octets put together in one piece of memory, so that a body in a million chunks takes no more than one in a single chunk. */
export interface GrowingBuffer {
  /** False where they would be more than the limit: nothing is added then. */
  add(octets: Buffer): boolean;
  /** What it takes, empty room included. */
  capacity(): number;
  take(): Buffer;
}

const FIRST_OCTETS = 4096;

export function createGrowingBuffer(limitOctets: number): GrowingBuffer {
  let memory = Buffer.alloc(0);
  let length = 0;
  function reserve(wanted: number): void {
    if (wanted <= memory.length) return;
    const larger = Buffer.allocUnsafeSlow(
      Math.max(wanted, Math.min(limitOctets, 2 * memory.length), FIRST_OCTETS),
    );
    memory.copy(larger, 0, 0, length);
    memory = larger;
  }
  return {
    add(octets) {
      if (length + octets.length > limitOctets) return false;
      reserve(length + octets.length);
      length += octets.copy(memory, length);
      return true;
    },
    capacity: () => memory.length,
    take: () => memory.subarray(0, length),
  };
}
