import type { Policy } from "./policy.ts";
import type { RuleBlock } from "./policy-text.ts";
import type { Rule } from "./rule.ts";
import type { Target } from "./target.ts";

/** All rules of a policy in their order: the blocks of its text, or one that tells nothing of its keys. */
type Blocks = readonly (Pick<RuleBlock, "rules"> & Partial<RuleBlock>)[];

/**
 * Puts rules first, in their order, the first one per target; after them come the policy's own rules whose target they do not name,
 * untouched, duplicates and all. `defaultAction` stays. Where the blocks of the policy's text are given, only those that hold
 * such a target are searched.
 */
export function mergeRules(
  policy: Policy,
  rules: readonly Rule[],
  blocks: Blocks = [{ rules: policy.egress }],
): Policy {
  const first = new Map<string, Rule>();
  for (const rule of rules) {
    if (!first.has(rule.target.key)) first.set(rule.target.key, rule);
  }
  return { ...policy, egress: [...first.values(), ...without(blocks, new Set(first.keys()))] };
}

/** Takes out every rule with one of the targets; targets that no rule has are ignored. The very same value when nothing went. */
export function removeTargets(
  policy: Policy,
  targets: readonly Target[],
  blocks: Blocks = [{ rules: policy.egress }],
): Policy {
  const egress = without(blocks, new Set(targets.map((target) => target.key)));
  return egress.length === policy.egress.length ? policy : { ...policy, egress };
}

function without(blocks: Blocks, keys: ReadonlySet<string>): readonly Rule[] {
  const left: Rule[] = [];
  for (const { rules, keys: held } of blocks) {
    const isUntouched = held?.isDisjointFrom(keys) === true;
    for (const rule of rules) {
      if (isUntouched || !keys.has(rule.target.key)) left.push(rule);
    }
  }
  return left;
}
