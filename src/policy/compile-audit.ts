/**
 * Audit mode: what it enforces, and what it reports as denied. What the operator always denies stays denied.
 * Of the user's rules it keeps those that allow, for they also say which private addresses an answer may
 * hold. Everything else is allowed.
 */
import { type CompiledPolicy, compileSteps } from "./compile.ts";
import { ALL_READ } from "./http-flows.ts";
import { decideAddress } from "./decide-address.ts";
import { decideName } from "./decide-name.ts";
import type { Decision } from "./decision.ts";
import type { DomainName } from "./domain-name.ts";
import type { PolicyLayers } from "./layers.ts";
import type { Steps } from "./steps.ts";

/** What audit mode enforces of these layers; `audited` is their compiled form. A step for each rule. */
export function* auditSteps(layers: PolicyLayers, audited: CompiledPolicy): Steps<CompiledPolicy> {
  const egress = layers.user.egress.filter(({ action }) => action === "allow");
  const enforced = yield* compileSteps({ ...layers, user: { defaultAction: "allow", egress } }, ALL_READ);
  return { ...enforced, audits: audited };
}

/** The policy that changes are made to: in audit mode the one that it only watches. */
export function withoutAudit(policy: CompiledPolicy): CompiledPolicy {
  return policy.audits ?? policy;
}

/** What would deny this name if audit mode were off; undefined if it is off, or nothing would. */
export function findAuditedName({ audits }: CompiledPolicy, qname: DomainName): Decision | undefined {
  return audits && denial(decideName(audits, qname));
}

/** The address rule that would deny an address of an answer. */
export function findAuditedAddress(
  { audits }: CompiledPolicy,
  octets: Uint8Array,
  at: number,
  length: 4 | 16,
): Decision | undefined {
  const decision = audits && denial(decideAddress(audits, octets, at, length));
  return decision?.rule && decision;
}

function denial(decision: Decision): Decision | undefined {
  return decision.action === "deny" ? decision : undefined;
}
