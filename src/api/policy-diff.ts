import { type Policy, type PolicyJson, renderPolicy } from "../policy/policy.ts";

/** Rules that only one of two policies has, each in its policy's order and spelling; a moved rule is in neither. */
export interface PolicyDiff {
  readonly added: PolicyJson["egress"];
  readonly removed: PolicyJson["egress"];
}

/** Compares rules as written, duplicates counted. */
export function diffPolicies(before: Policy, after: Policy): PolicyDiff {
  const [old, wanted] = [renderPolicy(before).egress, renderPolicy(after).egress];
  return { added: without(wanted, old), removed: without(old, wanted) };
}

function without(rules: PolicyJson["egress"], others: PolicyJson["egress"]): PolicyJson["egress"] {
  const left = new Map<string, number>();
  for (const other of others) left.set(ruleKey(other), (left.get(ruleKey(other)) ?? 0) + 1);
  return rules.filter((rule) => {
    const count = left.get(ruleKey(rule)) ?? 0;
    left.set(ruleKey(rule), count - 1);
    return count <= 0;
  });
}

function ruleKey({ action, target }: PolicyJson["egress"][number]): string {
  return `${action} ${target}`;
}
