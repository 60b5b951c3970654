/** What was denied how often: names, and addresses that were connected to. Its memory is bounded. */
import { allowTargetOf, type Decision, deciderOf, isDenied } from "./decision.ts";

export interface DeniedTarget {
  /** A name, or an address. */
  readonly target: string;
  readonly kind: Decision["kind"];
  readonly count: number;
  /** When it was denied last, as the decision says. */
  readonly time: string;
  /** Who denied it, the last time. */
  readonly decider: string;
  /** Whether a rule of the user's would allow it. */
  readonly canBeAllowed: boolean;
}

export interface DeniedTally {
  count(decision: Decision): void;
  find(target: string): DeniedTarget | undefined;
  /** The most denied first, of equals the latest. */
  top(most: number): readonly DeniedTarget[];
  /**
   * No longer shown until it is denied again after that moment, by the sidecar's clock: what is told late is
   * passed over.
   */
  forget(target: string, untilMs: number): void;
}

const MOST_TARGETS = 1000;

/** Past the bound the one goes that was denied longest ago. */
export function createDeniedTally(mostTargets = MOST_TARGETS): DeniedTally {
  /** The longest ago first. */
  const targets = new Map<string, DeniedTarget>();
  /** Until when each is passed over; as many as targets at most. */
  const forgotten = new Map<string, number>();
  return {
    count(decision) {
      const target = decision.kind === "lookup" ? decision.name : decision.addresses[0];
      if (!isDenied(decision) || target === undefined) return;
      if (Date.parse(decision.time) <= (forgotten.get(target) ?? 0)) return;
      forgotten.delete(target);
      const before = targets.get(target)?.count ?? 0;
      targets.delete(target);
      targets.set(target, {
        target,
        kind: decision.kind,
        count: before + 1,
        time: decision.time,
        decider: deciderOf(decision),
        canBeAllowed: allowTargetOf(decision) !== undefined,
      });
      const [oldest] = targets.keys();
      if (targets.size > mostTargets && oldest !== undefined) targets.delete(oldest);
    },
    find: (target) => targets.get(target),
    top: (most) =>
      [...targets.values()]
        .reverse()
        .toSorted((one, other) => other.count - one.count)
        .slice(0, most),
    forget(target, untilMs) {
      targets.delete(target);
      forgotten.delete(target);
      forgotten.set(target, untilMs);
      const [first] = forgotten.keys();
      if (forgotten.size > mostTargets && first !== undefined) forgotten.delete(first);
    },
  };
}
