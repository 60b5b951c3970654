/**
 * What a user's policy is: rules in order, of which the first match decides, and a default action. It is a
 * value, replaced as a whole. The operator's always-rules and the built-in protections are not part of it.
 */
import { type Action, renderRule, type Rule, type RuleJson } from "./rule.ts";

/** A user's policy, in the user's order and spelling; duplicates are kept. */
export interface Policy {
  readonly defaultAction: Action;
  readonly egress: readonly Rule[];
}

/** One word for what a policy does, for people: a policy without rules is its default action. */
export type PolicyMode = "allow_all" | "deny_all" | "enforcing";

/** A policy as JSON shows it, keys in the order that the API promises. */
export interface PolicyJson {
  readonly egress: readonly RuleJson[];
  readonly defaultAction: Action;
}

/** Nothing is allowed: the policy as long as nobody has given one. */
export const DENY_ALL: Policy = Object.freeze({ defaultAction: "deny", egress: Object.freeze([]) });

export function policyMode(policy: Policy): PolicyMode {
  if (policy.egress.length > 0) return "enforcing";
  return policy.defaultAction === "allow" ? "allow_all" : "deny_all";
}

/** The policy for JSON. Reading it back gives an equal policy. */
export function renderPolicy(policy: Policy): PolicyJson {
  return { egress: policy.egress.map(renderRule), defaultAction: policy.defaultAction };
}
