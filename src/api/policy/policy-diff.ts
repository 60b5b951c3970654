import type { Policy, PolicyJson } from "../../policy/policy.ts";
import { renderRule, type Rule } from "../../policy/rule.ts";
import type { Steps } from "../../policy/steps.ts";

/**
 * Rules that only one of two policies has, each in its policy's order and spelling; a moved rule is in
 * neither.
 */
export interface PolicyDiff {
  readonly added: PolicyJson["egress"];
  readonly removed: PolicyJson["egress"];
}

/** Compares rules as written, duplicates counted. A step for each rule. */
export function* diffSteps(before: Policy, after: Policy): Steps<PolicyDiff> {
  const added = yield* withoutSteps(after.egress, before.egress);
  const removed = yield* withoutSteps(before.egress, after.egress);
  return { added, removed };
}

function* withoutSteps(rules: readonly Rule[], others: readonly Rule[]): Steps<PolicyJson["egress"]> {
  const left = new Map<string, number>();
  for (const other of others) {
    const key = writtenKey(other);
    left.set(key, (left.get(key) ?? 0) + 1);
    yield;
  }
  const found: PolicyJson["egress"][number][] = [];
  for (const rule of rules) {
    const key = writtenKey(rule);
    const count = left.get(key) ?? 0;
    left.set(key, count - 1);
    if (count <= 0) found.push(renderRule(rule));
    yield;
  }
  return found;
}

function writtenKey(rule: Rule): string {
  const { action, target, scope } = rule;
  return scope === undefined ? `${action} ${target.text}` : JSON.stringify(renderRule(rule));
}
