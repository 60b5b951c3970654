import type { Policy } from "./policy.ts";
import type { Rule } from "./rule.ts";
import type { Target } from "./target.ts";

/** What taking out targets gives: the new policy (the very same value when nothing went) and the rules that are gone, in their order. */
export interface Removal {
  readonly policy: Policy;
  readonly removed: readonly Rule[];
}

/**
 * Puts rules first, in their order, the first one per target; after them come the policy's own rules whose target they do not name,
 * untouched, duplicates and all. `defaultAction` stays.
 */
export function mergeRules(policy: Policy, rules: readonly Rule[]): Policy {
  const first = new Map<string, Rule>();
  for (const rule of rules) {
    if (!first.has(rule.target.key)) first.set(rule.target.key, rule);
  }
  const kept = policy.egress.filter((rule) => !first.has(rule.target.key));
  return { ...policy, egress: [...first.values(), ...kept] };
}

/** Takes out every rule with one of the targets; targets that no rule has are ignored. */
export function removeTargets(policy: Policy, targets: readonly Target[]): Removal {
  const keys = new Set(targets.map((target) => target.key));
  const removed = policy.egress.filter((rule) => keys.has(rule.target.key));
  if (removed.length === 0) return { policy, removed };
  return {
    policy: { ...policy, egress: policy.egress.filter((rule) => !keys.has(rule.target.key)) },
    removed,
  };
}
