/**
 * Transactions of others that were counted and not heard of. The kernel counts one before it tells of it, so
 * a transaction has until the next look to be heard of.
 */
export interface Unheard {
  /** The kernel has told of the transaction of that number. */
  hear(number: number): void;
  /**
   * `others` more than our own up to number `counted`: how many of those at the look before have not been
   * heard of by now.
   */
  look(others: number, counted: number): number;
  /** From now on what comes after number `counted` is waited for. */
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

/** Of numbers of 32 bits that begin again at 0. */
function isAfter(number: number, other: number): boolean {
  const distance = (number - other) >>> 0;
  return distance !== 0 && distance < 2 ** 31;
}
