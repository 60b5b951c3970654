/**
 * The kernel's side of a policy: each call raises the generation, takes out the learned addresses that the
 * policy would not admit, and loads the whole ruleset in one transaction.
 *
 * Learned addresses go just before the transaction, in steps of their own, each of which judges what it takes
 * out: so a lookup that gives one of them to an allowed name meanwhile keeps it or adds it again, and nothing
 * that runs beside us can take it out behind its back. Flows that use them go on until the transaction raises
 * the generation, and are then judged.
 */
import type { ForgottenAddress } from "../../learned/forgotten.ts";
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import type { NetworkFacts } from "../../netfilter/ruleset-input.ts";
import type { CompiledPolicy } from "../../policy/compile.ts";
import { runInSlices } from "../../sys/in-slices.ts";
import type { PolicyKernel } from "./enforced-layers.ts";
import { createPolicyLoader, type PolicyLoaderOptions } from "./load-policy.ts";

export interface NftKernelOptions extends PolicyLoaderOptions {
  readonly learned: LearnedAddresses;
  /** Addresses of bound names that are led to the interceptor; undefined if nothing is intercepted. */
  readonly bound?: BoundInKernel | undefined;
  /** Gives back to flows the addresses that they use, before they are judged again. Never throws. */
  readonly catchUp?: () => Promise<void>;
  /**
   * Finds connections whose name this policy denies; the result ends them once it is in force. Never throws.
   */
  readonly findDenied?: (policy: CompiledPolicy) => Promise<() => Promise<void>>;
  /** The namespace's interfaces, as they are now. */
  readonly readNetwork: () => NetworkFacts;
  /**
   * A policy is in force: cached answers were judged by another one. `forgotten` addresses have gone for it.
   */
  readonly onEnforced: (forgotten: number) => void;
}

export interface BoundInKernel {
  list(): readonly Uint8Array[];
  /** Makes the kernel hold these and no others. Throws KernelError. */
  rewrite(): void;
}

export interface PolicyKernelSide extends PolicyKernel {
  /** The one that flows are admitted under now. */
  generation(): number;
  /**
   * Somebody else has changed our rules or sets: the next policy is loaded whole, with what was learned, in
   * one transaction, and what others have put into the learned sets goes.
   */
  markDrifted(): void;
}

/** Makes the port. */
export function createPolicyKernel(options: NftKernelOptions): PolicyKernelSide {
  const { learned } = options;
  const loader = createPolicyLoader(options);
  let lastForgotten: readonly ForgottenAddress[] = [];

  return {
    generation: loader.generation,
    async enforce(policy: CompiledPolicy) {
      await options.catchUp?.();
      loader.nextGeneration();
      // Before addresses are taken out: it says which of them are withheld by now.
      const network = options.readNetwork();
      await loader.declareSets(policy);
      // Also before: it is these addresses' owners that tell whose label a flow has.
      const endDenied = await options.findDenied?.(policy);
      const forgotten = await runInSlices(learned.forget(policy, loader.markDrifted));
      const comeBack = lastForgotten;
      // All of them, until a policy is in force: this one may be refused, too.
      lastForgotten = [...forgotten, ...comeBack];
      if (await loader.load(policy, network)) {
        learned.reconcile();
        options.bound?.rewrite();
      }
      loader.settled();
      // A change that failed half-way, or was taken back at once, has cost the allowed names their addresses.
      learned.restore(comeBack, policy);
      lastForgotten = forgotten;
      await runInSlices(learned.settle(policy));
      await endDenied?.();
      options.onEnforced(forgotten.length);
    },
    markDrifted: loader.markDrifted,
  };
}
