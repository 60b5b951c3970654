/** The last octets of a stream. */
export interface StreamTail {
  /** So many of them, or all that there were. Good until more are kept. */
  last(count: number): Buffer;
  keep(octets: Uint8Array): void;
}

/** Costs a copy of what is kept, and no more for each read than it has octets. */
export function createStreamTail(most: number): StreamTail {
  let room = Buffer.allocUnsafe(0);
  let used = 0;
  return {
    last: (count) => room.subarray(Math.max(used - count, 0), used),
    keep(octets) {
      if (most === 0) return;
      if (room.length === 0) room = Buffer.allocUnsafe(2 * most);
      if (octets.length >= most) {
        room.set(octets.subarray(octets.length - most));
        used = most;
        return;
      }
      if (used + octets.length > room.length) {
        room.copyWithin(0, used - most, used);
        used = most;
      }
      room.set(octets, used);
      used += octets.length;
    },
  };
}
