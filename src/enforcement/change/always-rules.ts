/** The operator's rules, which no change of the user's policy touches. */
import type { AuditLog } from "../../audit/audit-log.ts";
import type { PolicyLayers } from "../../policy/layers.ts";
import { sameTargetsSteps } from "../../policy/target.ts";
import { runInSlices } from "../../sys/in-slices.ts";
import { describe } from "../errors.ts";
import type { PolicyReplacement } from "./replace-policy.ts";

/** As the files hold them. */
export type AlwaysLayers = Pick<PolicyLayers, "denyAlways" | "allowAlways">;

/**
 * Swaps them, if they differ from those in force. Calls may not overlap. Throws ApplyError; a failure that
 * repeats the last one is not in the log again.
 */
export function createAlwaysChange(
  { again, replace }: Pick<PolicyReplacement, "again" | "replace">,
  audit: Pick<AuditLog, "policyUpdated" | "policyUpdateFailed">,
): (always: AlwaysLayers) => Promise<void> {
  /** Why they could not be put in force at the last try. */
  let failure: string | undefined;

  return async function setAlwaysRules(always) {
    const next = again();
    if (await areSame(always, next.layers)) return;
    try {
      await replace({ ...next, layers: { ...next.layers, ...always } });
    } catch (error) {
      // They are tried twice a second, again and again.
      if (describe(error) !== failure) audit.policyUpdateFailed(describe(error));
      failure = describe(error);
      throw error;
    }
    failure = undefined;
    audit.policyUpdated({ kind: "always", ...always });
  };
}

async function areSame(one: AlwaysLayers, other: AlwaysLayers): Promise<boolean> {
  return (
    (await runInSlices(sameTargetsSteps(one.denyAlways, other.denyAlways))) &&
    (await runInSlices(sameTargetsSteps(one.allowAlways, other.allowAlways)))
  );
}
