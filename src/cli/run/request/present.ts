/** What a run says of the policy that holds, and where its rules come from. */
import { describeRule } from "../../../policy/rule.ts";
import { oneLine } from "../../../policy/problem.ts";
import type { AskedPolicy, Origin } from "./arguments.ts";

const TARGETS_SHOWN = 5;

/** A line for each file that rules come from; of one that was only found, with what it opens. */
export function presentOrigins({ origins }: AskedPolicy): readonly string[] {
  return origins.map((origin) => {
    const { path, rules, defaultAction, isFound } = origin;
    const action = defaultAction === undefined ? "" : ` and the default action ${defaultAction}`;
    const opened = isFound === true ? `, found here: ${describeOpened(origin)}` : "";
    return oneLine(`takes ${count(rules.length)}${action} of ${path}${opened}`);
  });
}

function describeOpened({ rules }: Origin): string {
  const opened = rules.filter(({ action }) => action === "allow").map((rule) => describeRule(rule).trim());
  if (opened.length === 0) return "it allows nothing by itself";
  const more = opened.length - TARGETS_SHOWN;
  const shown = opened.slice(0, TARGETS_SHOWN).join(", ");
  return `it allows ${shown}${more > 0 ? ` and ${more} more` : ""}`;
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
