import type { AuditLog } from "../../audit/audit-log.ts";
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import { withoutAudit } from "../../policy/compile-audit.ts";
import type { CompiledPolicy } from "../../policy/compile.ts";
import type { Decision } from "../../policy/decision.ts";
import { decideAddressFlow } from "../../policy/decide-address.ts";
import { decideNameFlow } from "../../policy/decide-name.ts";
import { type FlowKind, flowKindOf } from "../../policy/flow-set.ts";
import { describeRule } from "../../policy/rule.ts";
import { isDomainName } from "../../policy/domain-name.ts";
import type { ConnectionRefused } from "../events.ts";

export interface RefusalAuditOptions {
  readonly audit: Pick<AuditLog, "decided">;
  readonly policy: () => CompiledPolicy;
  readonly learned: Pick<LearnedAddresses, "has">;
  /** Unix time. */
  readonly nowMs: () => number;
}

/** Turns what the kernel has refused into decisions, with the reason that the policy in force gives. */
export function createRefusalAudit({
  audit,
  policy,
  learned,
  nowMs,
}: RefusalAuditOptions): (refused: ConnectionRefused) => void {
  return ({ address, port, protocol, names, isAudited }) => {
    const [host] = names;
    const judging = isAudited ? withoutAudit(policy()) : policy();
    const flow = flowKindOf(address.length, protocol, port ?? 0);
    const isInForce = learned.has(address);
    const decision = findDecision(judging, { address, flow, host, isInForce });
    const isAllowed = decision.action === "allow";
    const isExpired = decision.rule === undefined && !isInForce && isAllowedName(judging, names, flow);
    audit.decided({
      kind: "connection",
      decision: isAudited ? "audited" : "denied",
      timeMs: nowMs(),
      name: host,
      owners: names,
      qname: undefined,
      qtype: 0,
      rcode: 0,
      upstream: undefined,
      durationMs: 0,
      protocol,
      port,
      layer: isAllowed ? "built-in" : decision.layer,
      rule: isAllowed ? undefined : decision.rule && describeRule(decision.rule),
      reason: isAllowed ? "kernel-rule" : isExpired ? "expired" : undefined,
      takenOut: undefined,
      forEachAddress: (visit) => visit(address, 0, address.length === 4 ? 4 : 16),
    });
  };
}

interface RefusedFlow {
  readonly address: Uint8Array;
  readonly flow: FlowKind;
  readonly host: string | undefined;
  readonly isInForce: boolean;
}

/**
 * A rule for the address, or what is said of the name that gave it, or the default action. What is allowed
 * all the same was refused by a rule of the kernel's own, such as that for DNS over TLS.
 */
function findDecision(policy: CompiledPolicy, { address, flow, host, isInForce }: RefusedFlow): Decision {
  const byAddress = decideAddressFlow(policy, address, flow);
  if (byAddress.rule !== undefined || host === undefined || !isDomainName(host)) return byAddress;
  const byName = decideNameFlow(policy, host, flow);
  // The address of an allowed name is refused once its time is over.
  return byName.action === "deny" || isInForce ? byName : byAddress;
}

/** Whether the flow would pass, had one of these names just given its address. */
function isAllowedName(policy: CompiledPolicy, names: readonly string[], flow: FlowKind): boolean {
  return names.some((name) => isDomainName(name) && decideNameFlow(policy, name, flow).action === "allow");
}
