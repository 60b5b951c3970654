import type { Policy } from "./policy.ts";
import type { RuleBlock } from "./policy-text.ts";
import type { Rule } from "./rule.ts";
import type { Steps } from "./steps.ts";
import type { Target } from "./target.ts";

/** All rules of a policy in their order: the blocks of its text, or one that tells nothing of its keys. */
type Blocks = readonly (Pick<RuleBlock, "rules"> & Partial<RuleBlock>)[];

/**
 * Puts rules first, in their order, the first one per target; after them come the policy's own rules whose target they do not name,
 * untouched, duplicates and all. `defaultAction` stays. Where the blocks of the policy's text are given, only those that hold
 * such a target are searched. A step for each new rule and each block.
 */
export function* mergeRulesSteps(
  policy: Policy,
  rules: readonly Rule[],
  blocks: Blocks = [{ rules: policy.egress }],
): Steps<Policy> {
  const egress: Rule[] = [];
  const keys = new Set<string>();
  for (const rule of rules) {
    if (!keys.has(rule.target.key)) {
      keys.add(rule.target.key);
      egress.push(rule);
    }
    yield;
  }
  yield* addWithout(egress, blocks, keys);
  return { ...policy, egress };
}

/** Takes out every rule with one of the targets; targets that no rule has are ignored. The very same value when nothing went. The same steps. */
export function* removeTargetsSteps(
  policy: Policy,
  targets: readonly Target[],
  blocks: Blocks = [{ rules: policy.egress }],
): Steps<Policy> {
  const keys = new Set<string>();
  for (const { key } of targets) {
    keys.add(key);
    yield;
  }
  const egress: Rule[] = [];
  yield* addWithout(egress, blocks, keys);
  return egress.length === policy.egress.length ? policy : { ...policy, egress };
}

function* addWithout(egress: Rule[], blocks: Blocks, keys: ReadonlySet<string>): Steps<void> {
  for (const { rules, keys: held } of blocks) {
    const isUntouched = held?.isDisjointFrom(keys) === true;
    for (const rule of rules) {
      if (isUntouched || !keys.has(rule.target.key)) egress.push(rule);
    }
    yield;
  }
}
