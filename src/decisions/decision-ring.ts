/**
 * The last decisions, in rows of fixed size: the newest takes the oldest one's place. To keep one costs some
 * tens of nanoseconds and makes nothing: names and rules are kept as the texts that they are.
 *
 * Known limits: of an answer's addresses the first eight are kept, and how many there were; of a name longer
 * than 255 characters, which only escapes make, the beginning.
 */
import type { DecisionEvent } from "./decision-event.ts";
import type { DecisionFilter } from "./decision-filter.ts";
import { createDecisionRows, type DecisionRow } from "./decision-rows.ts";

/** Counted from 1 since the start. */
export interface KeptDecision extends DecisionRow {
  readonly number: number;
}

export interface DecisionRing {
  record(event: DecisionEvent): void;
  /** The number of the newest; 0 before the first. */
  newest(): number;
  /** The number of the oldest that is still kept; 1 before the first. */
  oldest(): number;
  /** The row of that number, from `oldest` to `newest`. */
  read(number: number): KeptDecision;
  matches(number: number, filter: DecisionFilter): boolean;
}

export function createDecisionRing(capacity: number): DecisionRing {
  const rows = createDecisionRows(capacity);
  let newest = 0;
  const slotOf = (number: number): number => ((number - 1) % capacity) + 1;
  return {
    record(event) {
      newest += 1;
      rows.write(slotOf(newest), event);
    },
    newest() {
      return newest;
    },
    oldest: () => Math.max(1, newest - capacity + 1),
    read: (number) => ({ number, ...rows.read(slotOf(number)) }),
    matches: (number, filter) => rows.matches(slotOf(number), filter),
  };
}
