import { decideShownName } from "../../policy/decide-name.ts";
import type { CompiledPolicy } from "../../policy/compile.ts";
import type { ShownName } from "../../wire-names/flow.ts";
import type { PolicyInForce } from "../change/policy-in-force.ts";

/**
 * Why a connection that shows this is refused; undefined: it is not. While a change is under way both
 * policies must let it pass. Where the default action allows, which audit mode has it do, only a name that is
 * denied is refused.
 */
export function findNameFault(
  { active, pending }: PolicyInForce,
  shown: ShownName,
  flow: JudgedFlow,
): string | undefined {
  return (
    faultUnder(active, shown, flow) ?? (pending === undefined ? undefined : faultUnder(pending, shown, flow))
  );
}

/** What would have it refused if audit mode were off; undefined if it is off, or nothing would. */
export function findAuditedFault(
  { active: { audits } }: PolicyInForce,
  shown: ShownName,
  flow: JudgedFlow,
): string | undefined {
  return audits && faultUnder(audits, shown, flow);
}

/** Of TCP, to this port. */
export interface JudgedFlow {
  readonly isStrict: boolean;
  readonly port: number;
}

function faultUnder(
  policy: CompiledPolicy,
  { kind, name }: ShownName,
  { isStrict, port }: JudgedFlow,
): string | undefined {
  if (name !== undefined) {
    const { action } = decideShownName(policy, name, port);
    return action === "deny" ? "a denied name" : undefined;
  }
  if (policy.fallback.action === "allow") return undefined;
  if (kind === "tls") return "a ClientHello without a server name";
  if (kind === "http") return "an HTTP request without a host name";
  return isStrict ? "neither TLS nor HTTP" : undefined;
}
