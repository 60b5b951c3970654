/**
 * Finds out, once, that no upstream answers although lookups wait: something may stand in the way, such as a
 * firewall.
 */

/** A lookup asks again after 300 ms and after 900. */
const SILENT_MS = 500;

export interface FirstSilenceOptions {
  readonly nowMs: () => number;
  /** Whether an upstream has answered any lookup so far. */
  readonly hasAnswered: () => boolean;
  readonly report: () => void;
}

export interface FirstSilence {
  /** An upstream has not answered a query of a lookup in time. */
  note(): void;
  /** One has answered something: nothing is reported from now on. */
  end(): void;
}

export function createFirstSilence({ nowMs, hasAnswered, report }: FirstSilenceOptions): FirstSilence {
  let sinceMs: number | undefined;
  let isOver = false;
  return {
    note() {
      if (isOver) return;
      sinceMs ??= nowMs();
      isOver = hasAnswered();
      if (isOver || nowMs() - sinceMs < SILENT_MS) return;
      isOver = true;
      report();
    },
    end() {
      isOver = true;
    },
  };
}
