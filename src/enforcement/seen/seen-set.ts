/**
 * Texts that were seen, up to a bound. The workload may choose ever new ones: past the bound a text
 * comes in only if it was seen before, as its hash at the door tells, and so a flood costs little and pushes
 * nothing out. Then a hand goes round, and takes the first that nobody has seen since it passed last (the
 * CLOCK algorithm).
 */
export interface SeenSet<T extends string> {
  add(text: T): void;
  /**
   * Whether it was seen just before, several times: then it need not be added again. Cheap, and false in
   * doubt.
   */
  knows(text: T): boolean;
  /** In no order. */
  list(): Iterable<T>;
  size(): number;
  /** Texts that had to go for others, or found no room when they came, since the start. */
  shed(): number;
}

interface Entry<T> {
  readonly text: T;
  isRecent: boolean;
}

/** Texts that are found without a look into the map. A power of two. */
const AT_HAND = 256;
/** Hashes of texts that came once, the latest of each place. */
const DOOR = 4096;

export function createSeenSet<T extends string>(bound: number): SeenSet<T> {
  const byText = new Map<T, Entry<T>>();
  const ring: Entry<T>[] = [];
  const door = new Uint32Array(DOOR);
  const atHand: (Entry<T> | undefined)[] = Array.from({ length: AT_HAND }, () => undefined);
  let hand = 0;
  let shed = 0;

  /** Whether it was here before; it has been now. */
  function passesDoor(text: T): boolean {
    const hash = hashOf(text);
    const wasHere = door[hash % DOOR] === hash;
    door[hash % DOOR] = hash;
    return wasHere;
  }

  function findOrMake(text: T): Entry<T> | undefined {
    const found = byText.get(text);
    if (found !== undefined) {
      found.isRecent = true;
      return found;
    }
    if (ring.length >= bound && !passesDoor(text)) {
      shed += 1;
      return undefined;
    }
    const made = { text, isRecent: false };
    byText.set(text, made);
    if (ring.length < bound) ring.push(made);
    else replaceIdlest(made);
    return made;
  }

  function replaceIdlest(made: Entry<T>): void {
    for (let idle = ring[hand]; idle?.isRecent === true; idle = ring[hand]) {
      idle.isRecent = false;
      hand = (hand + 1) % bound;
    }
    const gone = ring[hand];
    if (gone !== undefined) byText.delete(gone.text);
    ring[hand] = made;
    hand = (hand + 1) % bound;
    shed += 1;
  }

  return {
    add(text) {
      atHand[placeOf(text)] = findOrMake(text);
    },
    knows(text) {
      const last = atHand[placeOf(text)];
      // What has been shed meanwhile was not recent then, whatever is at hand.
      return last?.isRecent === true && last.text === text;
    },
    list: () => byText.keys(),
    size: () => byText.size,
    shed: () => shed,
  };
}

/** FNV-1a. Nothing hangs on who can forge it: a text comes in that was seen once. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function placeOf(text: string): number {
  const { length } = text;
  const middle = text.charCodeAt(length >> 1);
  return (length * 31 + text.charCodeAt(0) * 7 + middle * 17 + text.charCodeAt(length >> 2)) & (AT_HAND - 1);
}
