/**
 * The rules with a scope that match one name or address: one for each scope, since the first rule of a scope
 * decides for it.
 */
import type { RankedDecision } from "./decision.ts";
import { EVERY_FLOW, type FlowSet, isNone, minus } from "./flow-set.ts";

export interface ScopedMatch {
  readonly flows: FlowSet;
  readonly decision: RankedDecision;
}

/** A part of all flows, and the rule that decides it. */
export interface DecidedFlows {
  readonly flows: FlowSet;
  readonly decision: RankedDecision;
}

/** In the order in which they decide. */
export function sortMatches(matches: readonly ScopedMatch[]): readonly ScopedMatch[] {
  return matches.toSorted((one, other) => one.decision.rank - other.decision.rank);
}

/**
 * What each of the sorted matches decides, as long as it stands before the rule without a scope; and the
 * flows that are left. If there is such a rule, the caller gives its rank.
 */
export function partFlows(
  matches: readonly ScopedMatch[],
  baseRank: number | undefined,
): { readonly decided: readonly DecidedFlows[]; readonly rest: FlowSet } {
  const decided: DecidedFlows[] = [];
  let rest = EVERY_FLOW;
  for (const { flows, decision } of matches) {
    if (baseRank !== undefined && decision.rank > baseRank) break;
    const left = minus(rest, flows);
    const taken = minus(rest, left);
    if (!isNone(taken)) decided.push({ flows: taken, decision });
    rest = left;
  }
  return { decided, rest };
}

/** The first of the sorted matches that lets some flow pass. */
export function findFirstAllow(
  matches: readonly ScopedMatch[],
  baseRank: number | undefined,
): RankedDecision | undefined {
  if (matches.length === 0) return undefined;
  return partFlows(matches, baseRank).decided.find(({ decision }) => decision.action === "allow")?.decision;
}
