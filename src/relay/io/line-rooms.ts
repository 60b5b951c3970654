/**
 * How many connections to origins of HTTP/1.1 the sessions of HTTP/2 may have beside the first of each: one
 * bound for all. Over it one that rests goes, the longest rested first; where none rests, a session waits,
 * and its requests go over what it has, one after the other. Nobody is refused.
 */
export interface LineRooms {
  /** Whether there is room for one connection more; another one that rested may have been closed for it. */
  take(): boolean;
  /** A connection that had room is closed. */
  give(): void;
  /** `serve` is called once, when there may be room. */
  wait(serve: () => void): void;
  /** It waits no longer. */
  leave(serve: () => void): void;
  /** A connection that has room rests. `close` closes it and keeps its room for another. */
  rest(close: () => void): void;
  /** It rests no longer. */
  wake(close: () => void): void;
}

/** Some 50 kB each. */
const MAX_ROOMS = 512;

export function createLineRooms(rooms: number = MAX_ROOMS): LineRooms {
  let free = rooms;
  /** The one that has rested longest first. */
  const resting = new Set<() => void>();
  /** The one that has waited longest first. */
  const waiting = new Set<() => void>();

  const hasRoom = (): boolean => free > 0 || resting.size > 0;
  function settle(): void {
    while (hasRoom()) {
      const [serve] = waiting;
      if (serve === undefined) return;
      waiting.delete(serve);
      serve();
    }
  }

  return {
    take() {
      if (free > 0) {
        free--;
        return true;
      }
      const [close] = resting;
      if (close === undefined) return false;
      resting.delete(close);
      close();
      return true;
    },
    give() {
      free++;
      settle();
    },
    wait: (serve) => void waiting.add(serve),
    leave: (serve) => void waiting.delete(serve),
    rest(close) {
      resting.add(close);
      settle();
    },
    wake: (close) => void resting.delete(close),
  };
}
