/** What events of the policy, of rules and of upstreams write into the log, a line each. */
import type { Logger } from "pino";
import { renderRemoval } from "../policy/edit.ts";
import { renderPolicy } from "../policy/policy.ts";
import { renderRule } from "../policy/rule.ts";
import type { AuditLog, PolicyChange } from "./audit-log.ts";
import type { CommonFields } from "./common-fields.ts";
import { event, listed } from "./event-fields.ts";

/** `kept` drops lines below the level that is set, `atEveryLevel` none. */
export interface EventLoggers {
  readonly kept: Pick<Logger, "info" | "warn" | "error">;
  readonly atEveryLevel: Pick<Logger, "warn">;
}

export function createEventLines(
  { kept, atEveryLevel }: EventLoggers,
  common: Pick<CommonFields, "setAudit">,
): Omit<AuditLog, "decided" | "vaultChanged" | "vaultFault"> {
  return {
    policyLoaded(policy, from) {
      const { egress, defaultAction } = renderPolicy(policy);
      kept.info(
        { ...event("egress.loaded"), from, "egress.default": defaultAction, ...listed(egress) },
        "policy loaded",
      );
    },
    policyUpdated(change) {
      kept.info({ ...event("egress.updated"), ...describeChange(change) }, "policy updated");
    },
    policyUpdateFailed(error) {
      kept.error({ ...event("egress.update_failed"), error }, "policy update failed");
    },
    auditModeChanged(isOn) {
      if (!common.setAudit(isOn)) return;
      const message = isOn
        ? "audit mode is on: nothing is blocked but deny.always and the protections"
        : "audit mode is off: the policy is enforced";
      atEveryLevel.warn({ ...event("egress.audit_mode"), enabled: isOn }, message);
    },
    rulesetReconciled({ found, by, error }) {
      const fields = { ...event("egress.ruleset_repaired"), found, by, error };
      if (error === undefined) kept.warn(fields, "rules that were changed from outside are loaded again");
      else kept.error(fields, "rules that were changed from outside could not be loaded again");
    },
    watchChanged({ watch, reason }) {
      const fields = { ...event("egress.watch"), watch, reason };
      if (reason === undefined) kept.info(fields, "a watch lives again");
      else kept.error(fields, "a watch is dead");
    },
    upstreamsUnanswered(upstreams) {
      kept.warn({ ...event("egress.unanswered"), upstreams }, "no upstream has answered a lookup yet");
    },
    lookupsLimited({ parent, bound, perMinute, layer, rule }) {
      atEveryLevel.warn(
        { ...event("egress.limited"), parent, bound, "per.minute": perMinute, layer, rule },
        "lookups limited",
      );
    },
  };
}

function describeChange(change: PolicyChange): object {
  const { kind } = change;
  if (kind === "replace") {
    const { egress, defaultAction } = renderPolicy(change.policy);
    return { change: kind, "egress.default": defaultAction, ...listed(egress) };
  }
  if (kind === "merge") return { change: kind, ...listed(change.rules.map(renderRule)) };
  if (kind === "remove") return { change: kind, ...listed(change.targets.map(renderRemoval)) };
  return { change: kind, "deny.always": change.denyAlways.length, "allow.always": change.allowAlways.length };
}
