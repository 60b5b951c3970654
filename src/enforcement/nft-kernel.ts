/**
 * The kernel's side of a policy: each call raises the generation, takes out the learned addresses that the policy would not admit,
 * and loads the whole ruleset in one transaction.
 *
 * Learned addresses go just before the transaction, in a synchronous step of their own: so a lookup that gives one of them to an allowed
 * name meanwhile simply adds it again, and nothing that runs beside us can take it out behind its back. Flows that use them go on
 * until the transaction raises the generation, and are then judged.
 */
import { LearnedSetError } from "../netfilter/io/learned-set.ts";
import type { RulesetApplier } from "../netfilter/io/nft.ts";
import { compileRuleset } from "../netfilter/compile-ruleset.ts";
import type { Endpoint, Marks, NetworkFacts, RulesetInput } from "../netfilter/ruleset-input.ts";
import type { CompiledPolicy } from "../policy/compile.ts";
import type { PolicyKernel } from "./change-policy.ts";
import type { ForgottenAddress, LearnedAddresses } from "./learned-addresses.ts";

/** What of the ruleset stays the same as long as the process lives. */
export type RulesetFrame = Pick<
  RulesetInput,
  "mode" | "upstreams" | "exemptNameservers" | "resolverPort" | "inboundUdp" | "doh"
> & { readonly marks: Marks };

export interface NftKernelOptions {
  readonly frame: RulesetFrame;
  /** Where the sidecar's own packets may go, as it is at each load; default: nowhere but to the upstreams. */
  readonly ownDestinations?: () => readonly Endpoint[];
  readonly applier: RulesetApplier;
  readonly learned: LearnedAddresses;
  /** The namespace's interfaces, as they are now. */
  readonly readNetwork: () => NetworkFacts;
  /** A policy is in force: cached answers were judged by another one. `forgotten` addresses have gone for it. */
  readonly onEnforced: (forgotten: number) => void;
  readonly firstGeneration: number;
}

export interface NftKernel extends PolicyKernel {
  /** The one that flows are admitted under now. */
  readonly generation: number;
}

const MAX_GENERATION = 2 ** 31 - 1;
const NONE = { v4: [], v6: [] };

/** Makes the port. A generation is used once, also by a transaction that failed, for it may have taken effect. */
export function createNftKernel(options: NftKernelOptions): NftKernel {
  const { frame, applier, learned } = options;
  let generation = options.firstGeneration;
  let lastForgotten: readonly ForgottenAddress[] = [];

  /** Where somebody has deleted the sets there is nothing to take out; what they held is put back once they are there again. */
  function takeOut(policy: CompiledPolicy): {
    readonly forgotten: readonly ForgottenAddress[];
    readonly lost: readonly ForgottenAddress[];
  } {
    try {
      return { forgotten: learned.forget(policy), lost: [] };
    } catch (error) {
      if (!(error instanceof LearnedSetError) || error.code !== "ENOENT") throw error;
      return { forgotten: [], lost: learned.loseAll() };
    }
  }

  /** What is still there is taken over, what is gone is put back. */
  function putBackLearned(policy: CompiledPolicy): void {
    const known = learned.loseAll();
    learned.takeOver();
    learned.restore(known, policy);
  }

  return {
    get generation() {
      return generation;
    },
    async enforce(policy: CompiledPolicy) {
      generation = generation === MAX_GENERATION ? 1 : generation + 1;
      const network = options.readNetwork();
      const { forgotten, lost } = takeOut(policy);
      const comeBack = [...lastForgotten, ...lost];
      lastForgotten = forgotten;
      const ruleset = compileRuleset({
        ...frame,
        ownDestinations: options.ownDestinations?.() ?? [],
        policy,
        generation,
        network,
        forget: NONE,
        restore: { v4: [], v6: [] },
        revoked: NONE,
      });
      const { foreignHands } = await applier.replace(ruleset);
      if (foreignHands) putBackLearned(policy);
      // A change that failed half-way, or was taken back at once, has cost the allowed names their addresses; so have foreign hands.
      learned.restore(comeBack, policy);
      learned.settle(policy);
      options.onEnforced(forgotten.length);
    },
  };
}
