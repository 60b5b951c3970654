import type { CompiledPolicy } from "../../policy/compile.ts";
import type { PolicyLayers } from "../../policy/layers.ts";
import { ApplyError, describe } from "../errors.ts";
import { NO_LAYERS, type PolicyInForceCell } from "./policy-in-force.ts";

/**
 * The kernel's side, and the one seam behind which a second backend could stand: the code that changes
 * policies knows this, and nothing of nft(8), generations or sets. One call is all or nothing, the same
 * policy
 * may be sent again, and it settles within a bound.
 */
export interface PolicyKernel {
  enforce(policy: CompiledPolicy): Promise<void>;
}

/** The layers in force, in memory and in the kernel. Its calls may not overlap. */
export interface EnforcedLayers {
  layers(): PolicyLayers;
  /** Why the kernel may hold something else than `layers`; undefined while it does not. */
  fault(): string | undefined;
  /**
   * Kernel, then `commit`, then memory. When one of the first two fails, the kernel is given what was in
   * force and the error is thrown: ApplyError for the kernel's, that of `commit` as it is. `pending` is what
   * `next` compiles to.
   */
  replace(next: PolicyLayers, pending: CompiledPolicy, commit: () => Promise<void>): Promise<void>;
  /** Gives the kernel what is in force again; a failure is a fault. */
  putBack(): Promise<void>;
}

/** Nothing is allowed until the first `replace`. `inForce` is written by no one else. */
export function createEnforcedLayers(kernel: PolicyKernel, inForce: PolicyInForceCell): EnforcedLayers {
  let layers = NO_LAYERS;
  let fault: string | undefined;

  async function putBack(): Promise<void> {
    try {
      const { active } = inForce.read();
      await kernel.enforce(active);
      inForce.write({ active, pending: undefined });
      fault = undefined;
    } catch (error) {
      fault = `the kernel could not be given the policy in force again: ${describe(error)}`;
    }
  }

  return {
    layers: () => layers,
    fault: () => fault,
    putBack,
    async replace(next, pending, commit) {
      inForce.write({ active: inForce.read().active, pending });
      try {
        await kernel.enforce(pending).catch((error: unknown) => {
          throw new ApplyError(error);
        });
        await commit();
      } catch (error) {
        // Also after the kernel's own failure: the call may have been cut off after it took effect.
        await putBack();
        throw error;
      }
      layers = next;
      inForce.write({ active: pending, pending: undefined });
      fault = undefined;
    },
  };
}
