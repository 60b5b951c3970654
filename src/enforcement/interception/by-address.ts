/**
 * What the policy says of a flow's address, where every flow is led to the interceptor: the kernel has judged
 * the flow's first packet, and our own connection goes to the proxy, so nobody else judges it again.
 */
import type { BoundAddresses } from "../../intercept/bound-addresses.ts";
import type { ByAddress } from "../../intercept/judge-flow.ts";
import { decideAddressFlow } from "../../policy/decide-address.ts";
import type { Decision } from "../../policy/decision.ts";
import type { Destination } from "../../sys/original-destination.ts";
import { policiesOf, type PolicyInForce, type PolicyInForceCell } from "../change/policy-in-force.ts";

/**
 * What lets flows to an address pass, whatever they show. Nothing does at an address that a bound name has: a
 * flow that shows no name there could be the bound host's.
 */
export function createByAddress(
  inForce: PolicyInForceCell,
  addresses: Pick<BoundAddresses, "holds">,
): (destination: Destination) => ByAddress | undefined {
  return (destination) => {
    if (addresses.holds(destination.octets)) return undefined;
    const decisions = decide(inForce.read(), destination);
    if (decisions.some(({ action }) => action === "deny")) return undefined;
    return decisions.every(({ rule }) => rule !== undefined) ? "rule" : "default";
  };
}

/** Whether a rule for addresses denies it, now or in a change that is under way. */
export function isDenied(inForce: PolicyInForce, destination: Destination): boolean {
  return decide(inForce, destination).some(({ action, rule }) => rule !== undefined && action === "deny");
}

function decide(inForce: PolicyInForce, { octets, port }: Destination): readonly Decision[] {
  return policiesOf(inForce).map((policy) => decideAddressFlow(policy, octets, { protocol: "tcp", port }));
}
