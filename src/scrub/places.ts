/** Where octets that were decoded stand in a stream. */
export interface Places {
  /** The octet with the number 0 stands there, and those behind it follow until more is said. */
  restart(offset: number): void;
  /** The same from the octet with that number on; numbers only grow. */
  add(index: number, offset: number): void;
  /** One of the last octets, as many as they are made for. */
  of(index: number): number;
}

/** A power of two, as all are. */
const FIRST_ROOM = 64;

export function createPlaces(lastOctets: number): Places {
  /** One for each of the last octets, and one before them. */
  const mostRoom = 2 ** Math.ceil(Math.log2(lastOctets + 2));
  /** In order, no number twice, in a ring: the newest is the `last`-th. */
  let ring = createRing(Math.min(FIRST_ROOM, mostRoom));
  let last = 0;
  let used = 1;

  function grow(): void {
    const { indices, offsets, mask } = ring;
    ring = createRing(2 * (mask + 1));
    for (let at = last + 1 - used; at <= last; at += 1) {
      ring.indices[at & ring.mask] = indices[at & mask] ?? 0;
      ring.offsets[at & ring.mask] = offsets[at & mask] ?? 0;
    }
  }

  return {
    restart(offset) {
      last = 0;
      used = 1;
      ring.indices[0] = 0;
      ring.offsets[0] = offset;
    },
    add(index, offset) {
      if (used > ring.mask && ring.mask + 1 < mostRoom) grow();
      const { indices, offsets, mask } = ring;
      if (indices[last & mask] !== index) {
        last += 1;
        used = Math.min(used + 1, mask + 1);
        indices[last & mask] = index;
      }
      offsets[last & mask] = offset;
    },
    of(index) {
      const { indices, offsets, mask } = ring;
      let low = last + 1 - used;
      let high = last;
      while (low < high) {
        const middle = Math.ceil((low + high) / 2);
        if ((indices[middle & mask] ?? 0) <= index) low = middle;
        else high = middle - 1;
      }
      return (offsets[low & mask] ?? 0) + index - (indices[low & mask] ?? 0);
    },
  };
}

interface Ring {
  readonly indices: Float64Array;
  readonly offsets: Float64Array;
  readonly mask: number;
}

function createRing(room: number): Ring {
  return { indices: new Float64Array(room), offsets: new Float64Array(room), mask: room - 1 };
}
