/** What a change makes of the user's policy, and what of it is bounded. */
import { mergeRulesSteps, removeTargetsSteps } from "../../policy/edit.ts";
import type { PolicyLayers } from "../../policy/layers.ts";
import type { PolicyText } from "../../policy/policy-text.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Rule } from "../../policy/rule.ts";
import { sameTargetsSteps } from "../../policy/target.ts";
import { runInSlices } from "../../sys/in-slices.ts";
import type { PolicyEdit } from "./policy-control.ts";

/** The operator's always-rules, as the files hold them. */
export type AlwaysLayers = Pick<PolicyLayers, "denyAlways" | "allowAlways">;

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

export async function areSame(one: AlwaysLayers, other: AlwaysLayers): Promise<boolean> {
  return (
    (await runInSlices(sameTargetsSteps(one.denyAlways, other.denyAlways))) &&
    (await runInSlices(sameTargetsSteps(one.allowAlways, other.allowAlways)))
  );
}
