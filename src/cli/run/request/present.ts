/** What a run says of the policy that holds, and where its rules come from. */
import { describeRule } from "../../../policy/rule.ts";
import { oneLine } from "../../../policy/problem.ts";
import type { AskedPolicy } from "./arguments.ts";

/** A line for each file that rules come from. */
export function presentOrigins({ origins }: AskedPolicy): readonly string[] {
  return origins.map(({ path, rules }) => oneLine(`takes ${count(rules.length)} of ${path}`));
}

/** The whole policy, for `--dry-run`. */
export function presentPolicy({ policy, origins }: AskedPolicy): string {
  const fileOf = new Map(origins.flatMap(({ path, rules }) => rules.map((rule) => [rule, path] as const)));
  const rules = policy.egress.map((rule) => {
    const path = fileOf.get(rule);
    return `  ${rule.action.padEnd(5)} ${describeRule(rule).trim()}${path === undefined ? "" : `   (${path})`}`;
  });
  const lines = [...rules, `default action: ${policy.defaultAction}`];
  return `${lines.map(oneLine).join("\n")}\n`;
}

function count(rules: number): string {
  return rules === 1 ? "1 rule" : `${rules} rules`;
}
