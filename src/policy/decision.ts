import type { Action, Rule } from "./rule.ts";

/** Where the deciding rule stands; `default` when none matched. */
export type Layer = "deny.always" | "allow.always" | "user" | "default";

/**
 * What was decided and by which rule; `rule` is undefined if the default action decided. Made once at compile
 * time, frozen, and shared.
 */
export interface Decision {
  readonly action: Action;
  readonly layer: Layer;
  readonly rule: Rule | undefined;
}

/**
 * A decision that a rule makes. Of the rules that match, the one of the lowest rank decides; ranks may be
 * negative and have gaps.
 */
export interface RankedDecision extends Decision {
  readonly rule: Rule;
  readonly rank: number;
}
