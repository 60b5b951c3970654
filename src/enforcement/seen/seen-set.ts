/**
 * Texts that were seen, up to a bound. Whoever chooses them may choose ever new ones, so what was seen once gives way before what was seen again:
 * a hand goes round, and takes the first that nobody has seen since it passed last (the CLOCK algorithm).
 */
export interface SeenSet<T extends string> {
  add(text: T): void;
  /** Whether it was seen just before, several times: then it need not be added again. Cheap, and false in doubt. */
  knows(text: T): boolean;
  /** In no order. */
  list(): Iterable<T>;
  size(): number;
  /** Texts that had to go for others since the start. */
  shed(): number;
}

interface Entry<T> {
  readonly text: T;
  isRecent: boolean;
}

/** Texts that are found without a look into the map. A power of two. */
const AT_HAND = 256;

export function createSeenSet<T extends string>(bound: number): SeenSet<T> {
  const byText = new Map<T, Entry<T>>();
  const ring: Entry<T>[] = [];
  const atHand: (Entry<T> | undefined)[] = Array.from({ length: AT_HAND }, () => undefined);
  let hand = 0;
  let shed = 0;

  function findOrMake(text: T): Entry<T> {
    const found = byText.get(text);
    if (found !== undefined) {
      found.isRecent = true;
      return found;
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

function placeOf(text: string): number {
  const { length } = text;
  const middle = text.charCodeAt(length >> 1);
  return (length * 31 + text.charCodeAt(0) * 7 + middle * 17 + text.charCodeAt(length >> 2)) & (AT_HAND - 1);
}
