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

type Counts = Record<Outcome, number>;

export function createDecisionCounts(): DecisionCounts {
  const counts: Readonly<Record<Kind, Counts>> = { lookup: noCounts(), connection: noCounts() };
  return {
    count({ kind, decision }) {
      counts[kind][decision] += 1;
    },
    read: () =>
      KINDS.flatMap((kind) =>
        OUTCOMES.map((decision) => ({ kind, decision, count: counts[kind][decision] })),
      ),
  };
}

function noCounts(): Counts {
  return { allowed: 0, denied: 0, withheld: 0, nxdomain: 0, nodata: 0, failed: 0, audited: 0 };
}
