import type { Policy } from "./policy.ts";
import type { Target } from "./target.ts";

/**
 * All that decides, highest first: what the operator always denies, what the operator always allows, then the
 * user's policy with its default action.
 */
export interface PolicyLayers {
  readonly denyAlways: readonly Target[];
  readonly allowAlways: readonly Target[];
  readonly user: Policy;
}
