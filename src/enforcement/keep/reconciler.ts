/**
 * Loads the ruleset again if somebody else has changed it: at once the first time, and at most once a second
 * if that happens again. Meanwhile, and until it has been left alone for a while, health is bad.
 */
import type { AuditLog } from "../../audit/audit-log.ts";
import { type ForeignChange, joinChanges } from "../../netfilter/foreign-change.ts";

/**
 * Between the starts of two reconciliations: doubled with each that comes within QUIET_MS of the one before.
 */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
const QUIET_MS = 3000;
/** Reconciliations in a row that make a quarrel. */
const QUARREL = 3;

export interface ReconcilerOptions {
  readonly audit: Pick<AuditLog, "rulesetReconciled">;
  readonly nowMs: () => number;
}

export interface Loading {
  /** Called at once with each change: what is loaded before its turn has to be whole, too. */
  readonly markDrifted: () => void;
  /**
   * Loads the whole ruleset over what is there; gives the reason if the kernel does not take it. Settles
   * within a bound.
   */
  readonly load: () => Promise<string | undefined>;
}

export interface Reconciler {
  /** Somebody else has changed what is ours. Returns at once. */
  foreignChange(change: ForeignChange): void;
  /**
   * Reconciles from now on, also what has been changed before: until the first policy is in, there is nothing
   * to load.
   */
  begin(loading: Loading): void;
  /** Why the ruleset may not be what it should; undefined if it is. */
  fault(): string | undefined;
  /** Settles once none is under way. */
  close(): Promise<void>;
}

export function createReconciler({ audit, nowMs }: ReconcilerOptions): Reconciler {
  let waiting: ForeignChange | undefined;
  let underWay: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let loading: Loading | undefined;
  let inARow = 0;
  let lastMs = Number.NEGATIVE_INFINITY;

  function schedule(): void {
    if (loading === undefined || waiting === undefined || underWay !== undefined) return;
    const sinceLastMs = nowMs() - lastMs;
    if (sinceLastMs > QUIET_MS) inARow = 0;
    const pauseMs = inARow === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** inARow, LONGEST_PAUSE_MS);
    timer ??= setTimeout(
      () => {
        timer = undefined;
        underWay = run().finally(() => {
          underWay = undefined;
          schedule();
        });
      },
      Math.max(0, pauseMs - sinceLastMs),
    ).unref();
  }

  async function run(): Promise<void> {
    const change = waiting;
    if (change === undefined || loading === undefined) return;
    waiting = undefined;
    lastMs = nowMs();
    inARow += 1;
    const error = await loading.load();
    audit.rulesetReconciled({ ...change, error });
  }

  return {
    foreignChange(change) {
      waiting = joinChanges(waiting, change);
      loading?.markDrifted();
      schedule();
    },
    begin(withThese) {
      loading = withThese;
      if (waiting !== undefined) loading.markDrifted();
      schedule();
    },
    fault() {
      if (waiting !== undefined || underWay !== undefined)
        return "the kernel's rules were changed from outside, and are being loaded again";
      if (inARow >= QUARREL && nowMs() - lastMs < QUIET_MS)
        return "the kernel's rules are changed from outside again and again";
      return undefined;
    },
    async close() {
      loading = undefined;
      clearTimeout(timer);
      await underWay;
    },
  };
}
