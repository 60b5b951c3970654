/**
 * Transactions of others that were counted and whose events have not come. The kernel counts one before it
 * reports it, so an event has until the next look to come.
 */
export interface Unheard {
  /** The event of the transaction with that number has come. */
  hear(number: number): void;
  /**
   * `others` more than our own up to number `counted`. Returns how many of those at the last look still have
   * no event.
   */
  look(others: number, counted: number): number;
  /** From now on it waits for events after number `counted`. */
  begin(counted: number): void;
}

export function createUnheard(): Unheard {
  let heard: number[] = [];
  let owed = 0;
  let countedBefore = 0;
  return {
    hear: (number) => void heard.push(number),
    look(others, counted) {
      const late = heard.filter((number) => !isAfter(number, countedBefore)).length;
      const inTime = heard.filter((number) => !isAfter(number, counted)).length - late;
      heard = heard.filter((number) => isAfter(number, counted));
      const unheard = Math.max(0, owed - late);
      owed = Math.max(0, others - inTime);
      countedBefore = counted;
      return unheard;
    },
    begin(counted) {
      heard = [];
      owed = 0;
      countedBefore = counted;
    },
  };
}

/** Of 32-bit numbers that start again at 0. */
function isAfter(number: number, other: number): boolean {
  const distance = (number - other) >>> 0;
  return distance !== 0 && distance < 2 ** 31;
}
