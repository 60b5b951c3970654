/**
 * How many lines lookups may write. A workload makes as many lookups as it likes, and a line for each fills a
 * disk that is not its own or, where old lines go for new ones, wipes out in seconds what was logged before.
 * So each second earns lines, and what a calm time has earned is kept for a burst. Once nothing is left,
 * lookups are counted by name, and a second later each counted name gets one line; names that there is no
 * room for share one. Nothing is left out without being counted.
 */
export interface LineBudget {
  /** Whether a lookup of that name gets a line of its own; otherwise it is counted. */
  admits(host: string): boolean;
  /** Writes what is counted, now. */
  flush(): void;
}

export interface LineBudgetOptions {
  /** 0: each lookup gets its line. */
  readonly perSecond: number;
  /**
   * Writes the line of a name that was looked up so often; of several names that are not told, where `host`
   * is undefined.
   */
  readonly report: (host: string | undefined, count: number) => void;
  readonly clock?: BudgetClock;
}

interface BudgetClock {
  readonly now: () => number;
  readonly schedule: (delayMs: number, run: () => void) => void;
}

/** A burst has the lines of so many seconds. */
const BURST_SECONDS = 200;
const COUNTED_MS = 1000;
/** Bounds memory where many lines are allowed. */
const MOST_NAMES = 4096;

const REAL_CLOCK: BudgetClock = {
  now: () => performance.now(),
  schedule: (delayMs, run) => setTimeout(run, delayMs).unref(),
};

export function createLineBudget({ perSecond, report, clock = REAL_CLOCK }: LineBudgetOptions): LineBudget {
  if (perSecond === 0) return { admits: () => true, flush: () => undefined };
  const burst = perSecond * BURST_SECONDS;
  const mostNames = Math.min(perSecond, MOST_NAMES);
  const counts = new Map<string, number>();
  let others = 0;
  let left = burst;
  let earnedUntil = clock.now();
  let isCounting = false;

  /**
   * Asked for only when nothing is left: what more a calm time would have earned is then bounded by the burst
   * all the same.
   */
  function earn(): void {
    const earned = Math.floor(((clock.now() - earnedUntil) / 1000) * perSecond);
    if (earned === 0) return;
    left = Math.min(burst, left + earned);
    earnedUntil = clock.now();
  }
  function count(host: string): void {
    const before = counts.get(host);
    if (before === undefined && counts.size >= mostNames) others += 1;
    else counts.set(host, (before ?? 0) + 1);
    if (isCounting) return;
    isCounting = true;
    clock.schedule(COUNTED_MS, flush);
  }
  /** What is counted is written out of what has been earned meanwhile. */
  function flush(): void {
    isCounting = false;
    if (counts.size === 0) return;
    earn();
    left = Math.max(0, left - counts.size);
    for (const [host, times] of counts) report(host, times);
    if (others > 0) report(undefined, others);
    counts.clear();
    others = 0;
  }
  return {
    admits(host) {
      if (left === 0 && !isCounting) earn();
      if (left > 0 && !isCounting) {
        left -= 1;
        return true;
      }
      count(host);
      return false;
    },
    flush,
  };
}
