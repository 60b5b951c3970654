import { decideShownName } from "../../policy/decide-name.ts";
import { asksAt, type CompiledPolicy } from "../../policy/compile.ts";
import type { ShownName } from "../../wire-names/flow-state.ts";
import { policiesOf, type PolicyInForce } from "../change/policy-in-force.ts";
import { isDeniedByApp, judgeByApp, NAMELESS } from "./app-fault.ts";
import type { FlowAnywhere, JudgedFlow } from "./judged-flow.ts";

/**
 * Why a connection that shows this is refused; undefined: it is not. While a change is under way both
 * policies must let it pass. Where the default action allows, which audit mode has it do, only a name that is
 * denied is refused.
 */
export function findNameFault(
  { active, pending }: PolicyInForce,
  shown: ShownName,
  flow: FlowAnywhere,
): string | undefined {
  return (
    faultUnder(active, shown, flow) ?? (pending === undefined ? undefined : faultUnder(pending, shown, flow))
  );
}

/** What would have it refused if audit mode were off; undefined if it is off, or nothing would. */
export function findAuditedFault(
  { active: { audits } }: PolicyInForce,
  shown: ShownName,
  flow: FlowAnywhere,
): string | undefined {
  return audits && faultUnder(audits, shown, flow);
}

/**
 * Whether what cannot be read passes: where the default action allows, since then only a denied name is a
 * reason to refuse. `strict` refuses it even so, but not in audit mode, which refuses nothing of the kind.
 */
export function passesOddForm(policies: PolicyInForce, { isStrict, port }: JudgedFlow): boolean {
  return policiesOf(policies).every(
    (policy) =>
      policy.fallback.action === "allow" &&
      !asksAt(policy, port) &&
      (!isStrict || policy.audits !== undefined),
  );
}

/**
 * Whether a policy denies a connection that has shown this; undefined: it has shown no name, and nobody asks
 * what it speaks.
 */
export function isDeniedShown(
  policy: CompiledPolicy,
  shown: Pick<ShownName, "name" | "app">,
  flow: JudgedFlow,
): boolean | undefined {
  if (asksAt(policy, flow.port)) return isDeniedByApp(policy, shown, flow);
  if (shown.name === undefined) return undefined;
  return decideShownName(policy, shown.name, flow.port).action === "deny";
}

function faultUnder(policy: CompiledPolicy, shown: ShownName, flow: FlowAnywhere): string | undefined {
  const { kind, name } = shown;
  const { isStrict, port } = flow;
  if (asksAt(policy, port)) return judgeByApp(policy, shown, flow).fault;
  if (name !== undefined) {
    const { action } = decideShownName(policy, name, port);
    return action === "deny" ? "a denied name" : undefined;
  }
  if (policy.fallback.action === "allow") return undefined;
  if (kind === "tls") return "a ClientHello without a server name";
  if (kind === "http") return "an HTTP request without a host name";
  return isStrict ? NAMELESS : undefined;
}
