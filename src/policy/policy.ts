/**
 * What a user's policy is: rules in order, of which the first match decides, and an action for what no rule
 * matches. It is a value, replaced whole. The operator's always-rules and the built-in protections are not
 * part of it.
 */
import { type Action, renderRule, type Rule, type RuleJson } from "./rule.ts";

/** A user's policy, in the user's order and spelling; duplicates are kept. */
export interface Policy {
  readonly defaultAction: Action;
  readonly egress: readonly Rule[];
}

/** In a word what a policy does, for people: a policy without rules is its default action. */
export type PolicyMode = "allow_all" | "deny_all" | "enforcing";

/** A policy as JSON shows it, keys in the order that the API promises. */
export interface PolicyJson {
  readonly egress: readonly RuleJson[];
  readonly defaultAction: Action;
}

/** Nothing is allowed: what holds where no policy was given. */
export const DENY_ALL: Policy = Object.freeze({ defaultAction: "deny", egress: Object.freeze([]) });

export function policyMode(policy: Policy): PolicyMode {
  if (policy.egress.length > 0) return "enforcing";
  return policy.defaultAction === "allow" ? "allow_all" : "deny_all";
}

/** The policy for JSON. Reading it back gives an equal policy. */
export function renderPolicy(policy: Policy): PolicyJson {
  return { egress: policy.egress.map(renderRule), defaultAction: policy.defaultAction };
}
