import { type DecisionSubscriber, type Kind, KINDS, type Outcome, OUTCOMES } from "./decision-event.ts";

export interface DecisionCount {
  readonly kind: Kind;
  readonly decision: Outcome;
  readonly count: number;
}

/** How many of each since the start. */
export interface DecisionCounts {
  readonly count: DecisionSubscriber;
  /** Each kind with each outcome, those that never came too. */
  read(): readonly DecisionCount[];
}

export function createDecisionCounts(): DecisionCounts {
  const counts = new Float64Array(KINDS.length * OUTCOMES.length);
  return {
    count({ kind, decision }) {
      const place = placeOf(kind, decision);
      counts[place] = (counts[place] ?? 0) + 1;
    },
    read: () =>
      KINDS.flatMap((kind) =>
        OUTCOMES.map((decision) => ({ kind, decision, count: counts[placeOf(kind, decision)] ?? 0 })),
      ),
  };
}

function placeOf(kind: Kind, decision: Outcome): number {
  return KINDS.indexOf(kind) * OUTCOMES.length + OUTCOMES.indexOf(decision);
}
