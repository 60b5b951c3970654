/**
 * Looks at the sockets once more before the process sleeps. To be woken takes the kernel and Node's event loop 10 to 20 us, of the
 * sender's time too, and a lookup waits for it twice: for its query and for the upstream's answer.
 *
 * - After a pass with many datagrams the next are on their way: a few microseconds, and they are read together.
 * - After a pass with one or two, the next comes within some tens of microseconds from a resolver on the same machine, or from a client
 *   that asks one name after the other; else it does not. So that look is a habit, which is given up quickly: after each in vain
 *   twice as many occasions are passed over. What is there at the first glance is a load, and gathers better while we sleep.
 */
/** How long many gather, and how long a look for one is. */
const GATHER_MS = 0.005;
const LOOK_MS = 0.05;
/** How long it goes on before everything else has its turn. */
const LONGEST_MS = 0.5;
/** Datagrams of a pass that are not many. */
const FEW = 2;
const MOST_PASSED_OVER = 255;
/** Occasions that are passed over after a glance that has shown load. */
const PASSED_OVER_UNDER_LOAD = 63;

export interface LingerOptions {
  /** Both read and handle what is there, and return how many datagrams that was. */
  readonly readQueries: () => number;
  readonly readAnswers: () => number;
  /** Whether lookups wait for an upstream. */
  readonly isWaiting: () => boolean;
  /** Milliseconds, with fractions. */
  readonly nowMs: () => number;
}

/** Makes what is called after each pass that the event loop has begun, with the number of its datagrams. */
export function createLinger(options: LingerOptions): (count: number) => void {
  const { readQueries, readAnswers, isWaiting, nowMs } = options;
  const forAnswer = createHabit();
  const forQuery = createHabit();

  function glance(): number {
    const answers = isWaiting() ? readAnswers() : 0;
    return answers === 0 ? readQueries() : answers;
  }
  function gather(): number {
    const endMs = nowMs() + GATHER_MS;
    while (nowMs() < endMs);
    return glance();
  }
  function look(): number {
    const habit = isWaiting() ? forAnswer : forQuery;
    if (!habit.isDue()) return 0;
    let count = glance();
    if (count > 0) {
      habit.passOver(PASSED_OVER_UNDER_LOAD);
      return count;
    }
    for (const endMs = nowMs() + LOOK_MS; count === 0 && nowMs() < endMs;) count = glance();
    habit.learn(count > 0);
    return count;
  }
  return (first) => {
    const lastMs = nowMs() + LONGEST_MS - LOOK_MS;
    for (let count = first; count > 0 && nowMs() < lastMs;) count = count > FEW ? gather() : look();
  };
}

interface Habit {
  /** Whether to look this time. */
  isDue(): boolean;
  /** Whether the look has paid. */
  learn(hasPaid: boolean): void;
  passOver(occasions: number): void;
}

function createHabit(): Habit {
  let inVain = 0;
  let left = 0;
  return {
    isDue() {
      if (left === 0) return true;
      left -= 1;
      return false;
    },
    learn(hasPaid) {
      inVain = hasPaid ? 0 : Math.min(2 * inVain + 1, MOST_PASSED_OVER);
      left = inVain;
    },
    passOver(occasions) {
      left = occasions;
    },
  };
}
