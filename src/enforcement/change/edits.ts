/** What a change makes of the user's policy. */
import { mergeRulesSteps, removeTargetsSteps } from "../../policy/edit.ts";
import type { PolicyText } from "../../policy/policy-text.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Rule } from "../../policy/rule.ts";
import { runInSlices } from "../../sys/in-slices.ts";
import type { PolicyEdit } from "./policy-control.ts";

export function addedBy(edit: PolicyEdit | undefined): readonly Rule[] {
  if (edit?.kind === "replace") return edit.policy.egress;
  return edit?.kind === "merge" ? edit.rules : [];
}

/** The policy after an edit; the very same value when a removal finds nothing to remove. */
export async function applyEdit(policy: Policy, { blocks }: PolicyText, edit: PolicyEdit): Promise<Policy> {
  if (edit.kind === "replace") return edit.policy;
  if (edit.kind === "merge") return runInSlices(mergeRulesSteps(policy, edit.rules, blocks));
  return runInSlices(removeTargetsSteps(policy, edit.targets, blocks));
}
