import type { AuditLog } from "../../audit/audit-log.ts";
import type { DecisionEvent } from "../../decisions/decision-event.ts";
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import { withoutAudit } from "../../policy/compile-audit.ts";
import { asksAt, type CompiledPolicy } from "../../policy/compile.ts";
import { decideName, decideShownName } from "../../policy/decide-name.ts";
import { type DomainName, isDomainName } from "../../policy/domain-name.ts";
import { describeRule } from "../../policy/rule.ts";
import type { NameRefused } from "../events.ts";
import { decisionOfShown } from "./shown-decision.ts";

export interface NameRefusalAuditOptions {
  readonly audit: Pick<AuditLog, "decided">;
  readonly policy: () => CompiledPolicy;
  readonly learned: Pick<LearnedAddresses, "namesOf">;
  /** Unix time. */
  readonly nowMs: () => number;
}

/** Turns connections that were refused for the name that they have shown into decisions. */
export function createNameRefusalAudit(options: NameRefusalAuditOptions): (refused: NameRefused) => void {
  const { audit, policy, learned, nowMs } = options;
  return ({ name, app, reason: problem, address, port, isAudited }) => {
    const judging = isAudited ? withoutAudit(policy()) : policy();
    const owners = learned.namesOf(address);
    const shown = {
      problem,
      app,
      owners,
      allowedOwner: owners.find((owner) => isKnown(owner) && decideName(judging, owner).action === "allow"),
      isAllowedElsewhere: isKnown(name) && isAllowedElsewhere(judging, name, port),
    };
    const refusal = { name, address, port, isAudited, ...judge(judging, { name, app, port }), shown };
    audit.decided(decisionOfShown(refusal, nowMs()));
  };
}

/**
 * A name that is allowed at this port was refused for how it was shown; or for what it speaks, where rules
 * ask for that.
 */
function judge(
  policy: CompiledPolicy,
  { name, app, port }: Pick<NameRefused, "name" | "app" | "port">,
): Pick<DecisionEvent, "layer" | "rule" | "reason"> {
  const decision = isKnown(name) ? decideShownName(policy, name, port) : undefined;
  if (decision?.action === "deny")
    return {
      layer: decision.layer,
      rule: decision.rule && describeRule(decision.rule),
      reason: "shown-name",
    };
  const isOfApp = app !== undefined && (asksAt(policy, port) || name === undefined);
  return { layer: "built-in", rule: undefined, reason: isOfApp ? "shown-app" : "shown-form" };
}

function isAllowedElsewhere(policy: CompiledPolicy, name: DomainName, port: number): boolean {
  return decideShownName(policy, name, port).action === "deny" && decideName(policy, name).action === "allow";
}

function isKnown(name: string | undefined): name is DomainName {
  return name !== undefined && isDomainName(name);
}
