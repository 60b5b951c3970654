/**
 * What the resolver asks of the policy. While a change is under way a lookup has to pass both policies, the
 * old and the new: so no answer that was begun under the old one can bring back what the new one forbids,
 * whenever the kernel takes it.
 */
import type { DecidingLayer, Reason } from "../../decisions/decision-event.ts";
import type { LookupPolicy } from "../../dns/ports.ts";
import { isPrivateAddress, isSpecialAddress } from "../../dns/answer/special-address.ts";
import { type CompiledPolicy } from "../../policy/compile.ts";
import { decideGivenAddress, findScopedAllow } from "../../policy/decide-address.ts";
import { allowsBelow, decideName } from "../../policy/decide-name.ts";
import { describeRule } from "../../policy/rule.ts";
import type { PolicyInForce } from "../change/policy-in-force.ts";
import type { WithheldAddresses } from "../../learned/withheld.ts";

export interface JudgeOptions {
  readonly inForce: () => PolicyInForce;
  /** Whether private, unique-local and shared addresses may be given out without an address rule. */
  readonly allowPrivate: boolean;
  readonly withheld: Pick<WithheldAddresses, "has">;
}

/** Why an address may not be given out. */
export interface WithheldReason {
  readonly layer: DecidingLayer;
  /** The rule's target. */
  readonly rule: string | undefined;
  readonly reason: Reason | undefined;
}

export interface PolicyJudge extends LookupPolicy {
  /** Of an address that `admitsAddress` does not let out. */
  whyWithheld(octets: Uint8Array, at: number, length: 4 | 16): WithheldReason;
  /**
   * Whether an allowed name opens the address at all: one that a rule with ports alone lets out is opened by
   * that.
   */
  opensAddress(octets: Uint8Array, at: number, length: 4 | 16): boolean;
}

export function createPolicyJudge({ inForce, allowPrivate, withheld }: JudgeOptions): PolicyJudge {
  function mayGive(policy: CompiledPolicy, octets: Uint8Array, at: number, length: 4 | 16): boolean {
    const { action, rule } = decideGivenAddress(policy, octets, at, length);
    if (rule !== undefined && action === "allow") return true;
    if (rule === undefined && protectionAgainst(octets, at, length) === undefined) return true;
    // A rule with ports opens it by itself: it may be given out, and is not learned.
    return findScopedAllow(policy, octets, at, length) !== undefined;
  }
  /** Whether names may open it, if they may give it out. */
  function mayOpen(policy: CompiledPolicy, octets: Uint8Array, at: number, length: 4 | 16): boolean {
    if (policy.scoped.length === 0) return true;
    const { action, rule } = decideGivenAddress(policy, octets, at, length);
    return rule === undefined ? protectionAgainst(octets, at, length) === undefined : action === "allow";
  }
  /** What holds under every policy, unless a rule speaks of the address. */
  function protectionAgainst(octets: Uint8Array, at: number, length: 4 | 16): Reason | undefined {
    if (isSpecialAddress(octets, at, length)) return "special-address";
    if (!allowPrivate && isPrivateAddress(octets, at, length)) return "private-address";
    return withheld.has(octets, at, length) ? "own-network" : undefined;
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
    opensAddress(octets, at, length) {
      const { active, pending } = inForce();
      return (
        mayOpen(active, octets, at, length) && (pending === undefined || mayOpen(pending, octets, at, length))
      );
    },
    whyWithheld(octets, at, length) {
      const { active, pending } = inForce();
      const policy = pending === undefined || !mayGive(active, octets, at, length) ? active : pending;
      const { layer, rule } = decideGivenAddress(policy, octets, at, length);
      if (rule !== undefined) return { layer, rule: describeRule(rule), reason: undefined };
      return { layer: "built-in", rule: undefined, reason: protectionAgainst(octets, at, length) };
    },
  };
}
