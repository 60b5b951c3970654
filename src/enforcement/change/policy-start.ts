/** The first policy and the last: what is put in force whole, and whether the kernel holds what is. */
import type { AuditLog, LoadedFrom } from "../../audit/audit-log.ts";
import type { PolicyLayers } from "../../policy/layers.ts";
import { textSteps } from "../../policy/policy-text.ts";
import { runInSlices } from "../../sys/in-slices.ts";
import type { EnforcedLayers } from "./enforced-layers.ts";
import { NO_LAYERS } from "./policy-in-force.ts";
import type { PolicyReplacement } from "./replace-policy.ts";
import type { KernelRetry } from "./retry-until-applied.ts";

export interface PolicyStartParts {
  readonly enforced: Pick<EnforcedLayers, "fault" | "putBack">;
  readonly retry: Pick<KernelRetry, "begin">;
  readonly replacement: Pick<PolicyReplacement, "replace">;
}

export interface PolicyStart {
  /** Throws ApplyError. */
  start(layers: PolicyLayers, isAudit: boolean, from: LoadedFrom): Promise<void>;
  /** Nothing is allowed from now on, and audit mode is off. Throws ApplyError. */
  denyAll(): Promise<void>;
  /** Gives the kernel again what it should hold; settles with why it could not be given. */
  refresh(): Promise<string | undefined>;
  /** Why the kernel may hold something else than the policy in force. */
  fault(): string | undefined;
}

/** Its calls stand in the queue of changes; `fault` may be asked at any time. */
export function createPolicyStart(
  { enforced, retry, replacement }: PolicyStartParts,
  audit: Pick<AuditLog, "policyLoaded" | "auditModeChanged">,
): PolicyStart {
  let isStarted = false;

  async function startOver(layers: PolicyLayers, isAudit: boolean): Promise<void> {
    const text = await runInSlices(textSteps(layers.user));
    await replacement.replace({ layers, edit: undefined, text, isAudit });
    audit.auditModeChanged(isAudit);
  }

  return {
    async start(layers, isAudit, from) {
      await startOver(layers, isAudit);
      isStarted = true;
      audit.policyLoaded(layers.user, from);
    },
    denyAll: () => startOver(NO_LAYERS, false),
    async refresh() {
      // Before the first policy there is none to give: on a restart an earlier process's ruleset is in force.
      if (!isStarted) return undefined;
      await enforced.putBack();
      retry.begin();
      return enforced.fault();
    },
    fault: () => (isStarted ? enforced.fault() : "the policy is not in the kernel yet"),
  };
}
