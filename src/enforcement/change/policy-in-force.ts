/**
 * The policy that lookups are decided by: one cell, which a change writes and which resolver, learned
 * addresses and idle flows read. It exists before them all, so that none has to wait for another.
 */
import { type CompiledPolicy, compilePolicy } from "../../policy/compile.ts";
import type { PolicyLayers } from "../../policy/layers.ts";
import { DENY_ALL } from "../../policy/policy.ts";

/** While a change is under way (`pending`), a lookup must be allowed by both. */
export interface PolicyInForce {
  readonly active: CompiledPolicy;
  readonly pending: CompiledPolicy | undefined;
}

/** Those that something must be allowed by. */
export function policiesOf({ active, pending }: PolicyInForce): readonly CompiledPolicy[] {
  return pending === undefined ? [active] : [active, pending];
}

export interface PolicyInForceCell {
  /** Costs one property read; the object changes only when the policy does. */
  read(): PolicyInForce;
  /** For the owner of changes alone. */
  write(next: PolicyInForce): void;
}

/** Nothing is allowed before the first policy. */
export const NO_LAYERS: PolicyLayers = { denyAlways: [], allowAlways: [], user: DENY_ALL };

export function createPolicyInForce(): PolicyInForceCell {
  let inForce: PolicyInForce = { active: compilePolicy(NO_LAYERS), pending: undefined };
  return {
    read: () => inForce,
    write(next) {
      inForce = next;
    },
  };
}
