/**
 * All layers made ready to decide: `deny.always`, `allow.always`, the user's rules. The first match in that order decides, for names and
 * for addresses alike. Ranks stand for the order: a rule that is put before all others of the user gets a lower one than they have, so
 * that no other rule has to be touched. The built-in protections are not in it.
 */
import type { Decision, Layer, RankedDecision } from "./decision.ts";
import type { PolicyLayers } from "./layers.ts";
import type { Rule } from "./rule.ts";
import { type RuleTrie, findRule, putRule, putRuleInPlace, takeRule } from "./rule-trie.ts";
import { type Steps, runToEnd } from "./steps.ts";
import type { Target } from "./target.ts";

/** A value: a change makes a new one, at the price of what it changes, and both can decide. */
export interface CompiledPolicy {
  readonly rules: Readonly<Record<TargetSpace, RuleTrie>>;
  /** What no rule matches. */
  readonly fallback: Decision;
  /** No rule of the user has a lower rank. */
  readonly lowestRank: number;
  /** The policy that this one stands in for: audit mode enforces no more than the operator's denials, see `compile-audit.ts`. */
  readonly audits: CompiledPolicy | undefined;
}

/** What targets speak of; a name or an address is looked up in one of them. */
type TargetSpace = "names" | "v4" | "v6";

/** Always-rules stand before whatever the user may ever put first. */
const FIRST_RANK = Number.MIN_SAFE_INTEGER;
const NO_RULES: CompiledPolicy["rules"] = { names: undefined, v4: undefined, v6: undefined };

/** Compiles all layers in one go. */
export function compilePolicy(layers: PolicyLayers): CompiledPolicy {
  return runToEnd(compileSteps(layers));
}

/** Compiles all layers, a rule a step: O(n log n) in all. */
export function* compileSteps({ denyAlways, allowAlways, user }: PolicyLayers): Steps<CompiledPolicy> {
  const rules = { ...NO_RULES };
  let rank = FIRST_RANK;
  for (const target of denyAlways) {
    addRule(rules, ranked("deny.always", { action: "deny", target }, rank++));
    yield;
  }
  for (const target of allowAlways) {
    addRule(rules, ranked("allow.always", { action: "allow", target }, rank++));
    yield;
  }
  for (const [position, rule] of user.egress.entries()) {
    addRule(rules, ranked("user", rule, position));
    yield;
  }
  const fallback = Object.freeze({ action: user.defaultAction, layer: "default" as const, rule: undefined });
  return { rules, fallback, lowestRank: 0, audits: undefined };
}

/**
 * As `mergeRulesSteps` does to the list: these rules first, in their order, the first one for each target, instead of the user's own with
 * these targets. O(log n) a rule.
 */
export function* mergeSteps(policy: CompiledPolicy, added: readonly Rule[]): Steps<CompiledPolicy> {
  let { rules, lowestRank } = policy;
  // From the last to the first, each one before all others, so that the first for a target is kept.
  for (const rule of added.toReversed()) {
    rules = withRule(rules, ranked("user", rule, --lowestRank));
    yield;
  }
  return { ...policy, rules, lowestRank };
}

/** As `removeTargetsSteps` does to the list. O(log n) a target. */
export function* removalSteps(policy: CompiledPolicy, targets: readonly Target[]): Steps<CompiledPolicy> {
  let { rules } = policy;
  for (const target of targets) {
    const space = spaceOf(target);
    if (findRule(rules[space], target)?.layer !== "user") continue;
    rules = { ...rules, [space]: takeRule(rules[space], target) };
    yield;
  }
  return { ...policy, rules };
}

function addRule(rules: Record<TargetSpace, RuleTrie>, added: RankedDecision): void {
  const space = spaceOf(added.rule.target);
  rules[space] = putRuleInPlace(rules[space], added);
}

function withRule(rules: CompiledPolicy["rules"], added: RankedDecision): CompiledPolicy["rules"] {
  const space = spaceOf(added.rule.target);
  return { ...rules, [space]: putRule(rules[space], added) };
}

function spaceOf(target: Target): TargetSpace {
  if (target.kind !== "prefix") return "names";
  return target.prefix.family === 4 ? "v4" : "v6";
}

function ranked(layer: Layer, rule: Rule, rank: number): RankedDecision {
  return Object.freeze({ action: rule.action, layer, rule, rank });
}
