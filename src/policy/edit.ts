import type { Policy } from "./policy.ts";
import type { RuleBlock } from "./policy-text.ts";
import { renderScoped, type Rule, type RuleJson, ruleKey } from "./rule.ts";
import type { Scope } from "./scope.ts";
import type { Steps } from "./steps.ts";
import type { RuleTarget, Target } from "./target.ts";

/** All rules of a policy in order: the blocks of its text, or one block that does not know its targets. */
type Blocks = readonly (Pick<RuleBlock, "rules"> & Partial<RuleBlock>)[];

/** What is taken out: all rules of a target, only those with this scope, or only those without any. */
export type Removal = Target | SingleRule;

export interface SingleRule {
  readonly kind: "rule";
  readonly target: RuleTarget;
  readonly scope: Scope | undefined;
}

export function renderRemoval(removal: Removal): Omit<RuleJson, "action"> {
  return removal.kind === "rule" ? renderScoped(removal) : { target: removal.text };
}

/** The first rule for each key, in their order. A step for each rule. */
export function* firstRulesSteps(rules: readonly Rule[]): Steps<readonly Rule[]> {
  const firsts = new Map<string, Rule>();
  for (const rule of rules) {
    const key = ruleKey(rule);
    if (!firsts.has(key)) firsts.set(key, rule);
    yield;
  }
  return [...firsts.values()];
}

/**
 * The rules that a new rule replaces: those of its target and scope, or all of its target if it has no scope.
 */
export function replacedBy({ target, scope }: Rule): Removal {
  return scope === undefined && target.kind !== "everywhere" ? target : { kind: "rule", target, scope };
}

/**
 * Puts rules first, in their order, the first one per key. The policy's own rules follow untouched,
 * duplicates and all, without those that a new one replaces ({@link replacedBy}). `defaultAction` stays. If
 * the caller gives the blocks of the policy's text, only blocks that hold such a target are searched. A step
 * for each new rule and each block.
 */
export function* mergeRulesSteps(
  policy: Policy,
  rules: readonly Rule[],
  blocks: Blocks = [{ rules: policy.egress }],
): Steps<Policy> {
  const egress = [...(yield* firstRulesSteps(rules))];
  yield* addWithout(egress, blocks, egress.map(replacedBy));
  return { ...policy, egress };
}

/**
 * Takes rules out, and ignores what no rule has. Returns the very same value if it took nothing. The same
 * steps.
 */
export function* removeTargetsSteps(
  policy: Policy,
  removals: readonly Removal[],
  blocks: Blocks = [{ rules: policy.egress }],
): Steps<Policy> {
  const egress: Rule[] = [];
  yield* addWithout(egress, blocks, removals);
  return egress.length === policy.egress.length ? policy : { ...policy, egress };
}

function* addWithout(egress: Rule[], blocks: Blocks, removals: readonly Removal[]): Steps<void> {
  const targets = new Set<string>();
  const whole = new Set<string>();
  const single = new Set<string>();
  for (const removal of removals) {
    targets.add(removal.kind === "rule" ? removal.target.key : removal.key);
    if (removal.kind === "rule") single.add(ruleKey(removal));
    else whole.add(removal.key);
    yield;
  }
  for (const { rules, targets: held } of blocks) {
    const isUntouched = held?.isDisjointFrom(targets) === true;
    for (const rule of rules) {
      if (isUntouched || !(whole.has(rule.target.key) || single.has(ruleKey(rule)))) egress.push(rule);
    }
    yield;
  }
}
