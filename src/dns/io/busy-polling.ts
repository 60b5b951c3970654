/**
 * Busy polling, as SO_BUSY_POLL does it in the kernel: reads the sockets once more before the process sleeps.
 * Waking up costs the kernel and Node's event loop 10 to 20 us, some of it on the sender's side, and a lookup
 * pays for it twice: for its query and for its answer.
 *
 * - After a pass with many datagrams the next ones are on their way: wait a few microseconds, then read them
 *   together.
 * - After a pass with one or two, the next comes within some tens of microseconds if the resolver is on the
 *   same machine, or if a client asks one name after the other. If nothing comes, polling backs off fast:
 *   each poll in vain doubles the number of occasions that it skips. A datagram that is there at the first
 *   read is load, and load gathers better while we sleep.
 */
/** How long to wait for many, and how long to poll for one. */
const GATHER_MS = 0.005;
const LOOK_MS = 0.05;
/** How long polling lasts at most before the event loop has its turn. */
const LONGEST_MS = 0.5;
/** Datagrams of a pass that are not many. */
const FEW = 2;
const MOST_PASSED_OVER = 255;
/** Occasions skipped after a poll that has shown load. */
const PASSED_OVER_UNDER_LOAD = 63;

export interface BusyPollingOptions {
  /** Both read and handle what is there, and return how many datagrams that was. */
  readonly readQueries: () => number;
  readonly readAnswers: () => number;
  /** Whether lookups wait for an upstream. */
  readonly isWaiting: () => boolean;
  /** Milliseconds, with fractions. */
  readonly nowMs: () => number;
}

/** Makes what is called after each pass that the event loop has begun, with the number of its datagrams. */
export function createBusyPolling(options: BusyPollingOptions): (count: number) => void {
  const { readQueries, readAnswers, isWaiting, nowMs } = options;
  const forAnswer = createBackOff();
  const forQuery = createBackOff();

  function poll(): number {
    const answers = isWaiting() ? readAnswers() : 0;
    return answers === 0 ? readQueries() : answers;
  }
  function pollSoon(): number {
    const endMs = nowMs() + GATHER_MS;
    while (nowMs() < endMs);
    return poll();
  }
  function pollBriefly(): number {
    const backOff = isWaiting() ? forAnswer : forQuery;
    if (!backOff.isDue()) return 0;
    let count = poll();
    if (count > 0) {
      backOff.passOver(PASSED_OVER_UNDER_LOAD);
      return count;
    }
    for (const endMs = nowMs() + LOOK_MS; count === 0 && nowMs() < endMs;) count = poll();
    backOff.learn(count > 0);
    return count;
  }
  return (first) => {
    const lastMs = nowMs() + LONGEST_MS - LOOK_MS;
    for (let count = first; count > 0 && nowMs() < lastMs;) count = count > FEW ? pollSoon() : pollBriefly();
  };
}

interface BackOff {
  /** Whether to look this time. */
  isDue(): boolean;
  /** Whether the look has paid. */
  learn(hasPaid: boolean): void;
  passOver(occasions: number): void;
}

function createBackOff(): BackOff {
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
