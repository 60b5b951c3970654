/**
 * Things that come many at once, taken a few in each turn of the event loop: the first of many requests are
 * on their way to the origin while the others wait to be judged, and other work of the process has its turns.
 */
export interface Turns<Item> {
  /** Takes it now, or in a later turn behind those that came before. */
  add(item: Item): void;
}

export function createTurns<Item>({
  perTurn,
  isGone,
  take,
}: {
  readonly perTurn: number;
  /** Nobody waits for it any more: it is dropped, and is none of those that a turn takes. */
  readonly isGone: (item: Item) => boolean;
  readonly take: (item: Item) => void;
}): Turns<Item> {
  let taken = 0;
  let waiting: Item[] = [];

  function takeTurn(): void {
    taken = 0;
    const items = waiting;
    waiting = [];
    for (const item of items) {
      if (taken >= perTurn) waiting.push(item);
      else if (!isGone(item)) takeOne(item);
    }
  }

  function takeOne(item: Item): void {
    taken += 1;
    if (taken === 1) setImmediate(takeTurn);
    take(item);
  }

  return {
    add(item) {
      if (taken >= perTurn || waiting.length > 0) waiting.push(item);
      else takeOne(item);
    },
  };
}
