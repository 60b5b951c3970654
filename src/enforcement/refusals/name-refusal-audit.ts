import type { AuditLog } from "../../audit/audit-log.ts";
import type { DecisionEvent } from "../../decisions/decision-event.ts";
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import { TCP } from "../../netfilter/wire/constants.ts";
import { withoutAudit } from "../../policy/compile-audit.ts";
import type { CompiledPolicy } from "../../policy/compile.ts";
import { decideName } from "../../policy/decide-name.ts";
import { isDomainName } from "../../policy/domain-name.ts";
import type { NameRefused } from "../events.ts";

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
  return ({ name, reason: problem, address, port, isAudited }) => {
    const judging = isAudited ? withoutAudit(policy()) : policy();
    audit.decided({
      kind: "connection",
      decision: isAudited ? "audited" : "denied",
      timeMs: nowMs(),
      name,
      qname: undefined,
      qtype: 0,
      rcode: 0,
      upstream: undefined,
      durationMs: 0,
      protocol: TCP,
      port,
      ...judge(judging, name),
      shown: { problem, owners: learned.namesOf(address) },
      takenOut: undefined,
      forEachAddress: (visit) => visit(address, 0, address.length === 4 ? 4 : 16),
    });
  };
}

/** A name that is allowed was refused for how it was shown. */
function judge(
  policy: CompiledPolicy,
  name: string | undefined,
): Pick<DecisionEvent, "layer" | "rule" | "reason"> {
  const decision = name !== undefined && isDomainName(name) ? decideName(policy, name) : undefined;
  if (decision?.action !== "deny") return { layer: "built-in", rule: undefined, reason: "shown-form" };
  return { layer: decision.layer, rule: decision.rule?.target.text, reason: "shown-name" };
}
