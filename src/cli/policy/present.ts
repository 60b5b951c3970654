/**
 * What `egress policy` shows to people. Everything that came from elsewhere is shown as one line, controls
 * escaped.
 */
import type { PolicyChange, PolicyState } from "../../client/client.ts";
import { describeShown } from "../call/written-rule.ts";
import { oneLine } from "../../policy/problem.ts";

type ShownRule = PolicyState["policy"]["egress"][number];

export function presentPolicy({ mode, enforcementMode, policy, etag }: PolicyState): string {
  const lines = [
    `${mode} (${enforcementMode}), default action: ${policy.defaultAction}`,
    ...policy.egress.map((rule) => `  ${presentRule(rule)}`),
    ...(etag === undefined ? [] : [`etag ${etag}`]),
  ];
  return render(lines);
}

export function presentChange(change: PolicyChange): string {
  const { mode, enforcementMode, reason, dryRun, added = [], removed = [] } = change;
  const state = `${mode} (${enforcementMode})${reason === undefined ? "" : `: ${reason}`}`;
  if (dryRun !== true) return render([`the policy is ${state}`]);
  return render([
    `the policy would be ${state}; nothing is changed`,
    ...removed.map((rule) => `- ${presentRule(rule)}`),
    ...added.map((rule) => `+ ${presentRule(rule)}`),
  ]);
}

function presentRule({ action, ...rest }: ShownRule): string {
  return `${action.padEnd(5)} ${describeShown(rest)}`;
}

function render(lines: readonly string[]): string {
  return `${lines.map(oneLine).join("\n")}\n`;
}
