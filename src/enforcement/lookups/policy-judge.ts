/**
 * What the resolver asks of the policy. While a change is under way a lookup has to pass both policies, the old and the new: so
 * no answer that was begun under the old one can bring back what the new one forbids, whenever the kernel takes it.
 */
import type { LookupPolicy } from "../../dns/ports.ts";
import { isPrivateAddress, isSpecialAddress } from "../../dns/answer/special-address.ts";
import { type CompiledPolicy } from "../../policy/compile.ts";
import { decideAddress } from "../../policy/decide-address.ts";
import { allowsBelow, decideName } from "../../policy/decide-name.ts";
import type { PolicyInForce } from "../change/policy-in-force.ts";
import type { WithheldAddresses } from "../../learned/withheld.ts";

export interface JudgeOptions {
  readonly inForce: () => PolicyInForce;
  /** Whether private, unique-local and shared addresses may be given out without an address rule. */
  readonly allowPrivate: boolean;
  readonly withheld: Pick<WithheldAddresses, "has">;
}

export function createPolicyJudge({ inForce, allowPrivate, withheld }: JudgeOptions): LookupPolicy {
  function mayGive(policy: CompiledPolicy, octets: Uint8Array, at: number, length: 4 | 16): boolean {
    const { action, rule } = decideAddress(policy, octets, at, length);
    if (rule !== undefined) return action === "allow";
    if (isSpecialAddress(octets, at, length)) return false;
    if (!allowPrivate && isPrivateAddress(octets, at, length)) return false;
    return !withheld.has(octets, at, length);
  }

  return {
    decide(qname) {
      const { active, pending } = inForce();
      const decision = decideName(active, qname);
      return pending === undefined || decision.action === "deny" ? decision : decideName(pending, qname);
    },
    allowsBelow(qname) {
      const { active, pending } = inForce();
      return allowsBelow(active, qname) || (pending !== undefined && allowsBelow(pending, qname));
    },
    admitsAddress(octets, at, length) {
      const { active, pending } = inForce();
      return (
        mayGive(active, octets, at, length) && (pending === undefined || mayGive(pending, octets, at, length))
      );
    },
  };
}
