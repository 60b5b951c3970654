/** The user's policy that is in force: its text, and what the API shows of it. */
import type { EnforcementMode } from "../../netfilter/ruleset.ts";
import { type PolicyText, renderPolicyText } from "../../policy/policy-text.ts";
import type { Policy } from "../../policy/policy.ts";
import type { PolicySnapshot } from "./policy-control.ts";

export interface UserPolicy {
  text(): PolicyText;
  /** The same object until another policy is in force. */
  snapshot(): PolicySnapshot;
  /** What the snapshot would be of another policy, which has this text. */
  describe(policy: Policy, text: PolicyText): PolicySnapshot;
  /** Another is in force, which has this text. */
  replaced(policy: Policy, text: PolicyText): void;
}

/** The first policy is in force from the beginning on. */
export function createUserPolicy(first: Policy, enforcementMode: EnforcementMode): UserPolicy {
  let current = { policy: first, text: renderPolicyText(first) };
  let described: PolicySnapshot | undefined;

  function describe(policy: Policy, { etag }: PolicyText): PolicySnapshot {
    return { policy, etag: etag(), enforcementMode };
  }

  return {
    text: () => current.text,
    snapshot: () => (described ??= describe(current.policy, current.text)),
    describe,
    replaced(policy, text) {
      current = { policy, text };
      described = undefined;
    },
  };
}
