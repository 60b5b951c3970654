/**
 * Memory for the bodies of callers who have not proved who they are: a small budget for all that come in by
 * one door. Where it is full, the largest goes. So one that is no larger than an even share of it, as honest
 * changes are, goes for nobody.
 */
export interface UnprovedBodies {
  /**
   * Takes a body in. `shed` is called at most once, where others need its room: nothing of it may be kept
   * then.
   */
  open(shed: () => void): UnprovedBody;
}

export interface UnprovedBody {
  /** It has just grown, and takes this much now. */
  grow(octets: number): void;
  /** It is gone, or its caller has been proved. */
  close(): void;
}

/**
 * Two whole bodies, or 16 KiB for each of a door's 128 connections; the bodies of an honest caller are some
 * hundred octets.
 */
const UNPROVED_OCTETS = 2 << 20;

interface Held {
  readonly shed: () => void;
  octets: number;
}

export function createUnprovedBodies(limitOctets = UNPROVED_OCTETS): UnprovedBodies {
  const all = new Set<Held>();
  let total = 0;
  function remove(held: Held): void {
    if (all.delete(held)) total -= held.octets;
  }
  return {
    open(shed) {
      const held: Held = { shed, octets: 0 };
      all.add(held);
      return {
        grow(octets) {
          if (!all.has(held)) return;
          total += octets - held.octets;
          held.octets = octets;
          while (total > limitOctets) {
            const largest = findLargest(all, held);
            remove(largest);
            largest.shed();
          }
        },
        close: () => remove(held),
      };
    },
  };
}

/** Of several of one size `newest`: it has just grown. */
function findLargest(all: ReadonlySet<Held>, newest: Held): Held {
  let largest = newest;
  for (const held of all) if (held.octets > largest.octets) largest = held;
  return largest;
}
