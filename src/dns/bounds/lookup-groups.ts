/**
 * Lookups that count together, so that a flood of some leaves room for the others: those that one rule
 * allows, and those below two last labels that the default action allows. A group is a number; few of them
 * share one.
 */
import type { Decision } from "../../policy/decision.ts";
import type { DomainName } from "../../policy/domain-name.ts";
import { hashText } from "../../tables/slot-index.ts";

/** Groups are counted from 1. */
export const GROUPS = 1024;
export const NO_GROUP = 0;
/** Domains that the default action allows are anybody's to choose: they share groups with each other only. */
const OF_RULES = GROUPS / 2;

/** `seed`: 32 bits that nobody outside knows, or names could be chosen that share another's group. */
export function createLookupGroups(seed: number): (decision: Decision, qname: DomainName) => number {
  let lastRule: Decision["rule"];
  let lastGroup = NO_GROUP;
  return (decision, qname) => {
    const { rule } = decision;
    if (rule === undefined || rule.target.kind === "everywhere")
      return 1 + OF_RULES + (hashText(qname, seed, lastTwoLabels(qname)) & (OF_RULES - 1));
    if (rule !== lastRule) {
      lastRule = rule;
      lastGroup = 1 + (hashText(rule.target.key, seed) & (OF_RULES - 1));
    }
    return lastGroup;
  };
}

/** Where the last two labels of a name begin. */
export function lastTwoLabels(qname: string): number {
  const last = qname.lastIndexOf(".");
  return last <= 0 ? 0 : qname.lastIndexOf(".", last - 1) + 1;
}
