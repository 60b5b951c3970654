/**
 * The kernel's side of a policy: each call raises the generation, takes out the learned addresses that the
 * policy would not admit, and loads the whole ruleset in one transaction.
 *
 * Learned addresses go just before the transaction, in steps of their own, each of which judges what it takes
 * out: so a lookup that gives one of them to an allowed name meanwhile keeps it or adds it again, and nothing
 * that runs beside us can take it out behind its back. Flows that use them go on until the transaction raises
 * the generation, and are then judged.
 */
import { KernelError, LearnedSetError } from "../../netfilter/errors.ts";
import { LAST_GENERATION } from "../../netfilter/flow-marks.ts";
import type { AppliedRuleset, RulesetApplier } from "../../netfilter/io/nft.ts";
import { compileRuleset } from "../../netfilter/chains/compile-ruleset.ts";
import {
  type Marks,
  type NetworkFacts,
  NO_ADDRESSES,
  type RulesetInput,
} from "../../netfilter/ruleset-input.ts";
import type { Ruleset, TimedElement } from "../../netfilter/ruleset.ts";
import { renderAddress, renderIpv6 } from "../../policy/address.ts";
import type { CompiledPolicy } from "../../policy/compile.ts";
import { runInSlices } from "../../sys/in-slices.ts";
import type { PolicyKernel } from "./enforced-layers.ts";
import { renderOwners } from "../../learned/owners.ts";
import type { ForgottenAddress } from "../../learned/forgotten.ts";
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import { piecesOf, renderPiece } from "../../netfilter/ranges/flow-pieces.ts";
import { scopedLearnedSets, usesScopes } from "../../netfilter/chains/scoped-rules.ts";
import { type Endpoint } from "../../sys/socket-address.ts";

/** What of the ruleset stays the same as long as the process lives. */
export type RulesetFrame = Pick<
  RulesetInput,
  | "mode"
  | "upstreams"
  | "upstreamsAreSet"
  | "exemptNameservers"
  | "resolverPort"
  | "linkResolverPort"
  | "api"
  | "inboundUdp"
  | "doh"
  | "intercept"
  | "names"
> & { readonly marks: Marks };

export interface NftKernelOptions {
  readonly frame: RulesetFrame;
  /** Where the sidecar's own packets may go, as it is at each load; default: nowhere but to the upstreams. */
  readonly ownDestinations?: () => readonly Endpoint[];
  readonly applier: RulesetApplier;
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
  readonly firstGeneration: number;
  readonly nowMs: () => number;
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

type RulesetLists = Pick<RulesetInput, "restore" | "restoreFlows" | "revoked" | "bound">;

/**
 * Makes the port. A generation is used once, also by a transaction that failed, for it may have taken effect.
 */
export function createPolicyKernel(options: NftKernelOptions): PolicyKernelSide {
  const { frame, applier, learned } = options;
  let generation = options.firstGeneration;
  let lastForgotten: readonly ForgottenAddress[] = [];
  let hasDrifted = false;
  /**
   * Whether the kernel has the sets of addresses that not every flow may go to; undefined before the first
   * policy.
   */
  let hasPortSets: boolean | undefined;

  /** They are there before anything is learned into them, which is before the ruleset that asks them. */
  async function declarePortSets(policy: CompiledPolicy): Promise<void> {
    hasPortSets ??= learned.foundPortSets();
    if (hasPortSets || !usesScopes(policy)) return;
    await applier.declare(scopedLearnedSets());
    hasPortSets = true;
  }

  /**
   * Where somebody has deleted the sets there is nothing to take out; what they held is put back once they
   * are there again.
   */
  async function takeOut(policy: CompiledPolicy): Promise<{
    readonly forgotten: readonly ForgottenAddress[];
    readonly lost: readonly ForgottenAddress[];
  }> {
    try {
      return { forgotten: await runInSlices(learned.forget(policy)), lost: [] };
    } catch (error) {
      if (!(error instanceof LearnedSetError) || error.code !== "ENOENT") throw error;
      return { forgotten: [], lost: learned.loseAll() };
    }
  }

  function compile(policy: CompiledPolicy, network: NetworkFacts, lists: RulesetLists): Ruleset {
    const hasScopedLearned = learned.hasScoped();
    hasPortSets = hasScopedLearned || usesScopes(policy);
    return compileRuleset({
      hasScopedLearned,
      ...frame,
      ownDestinations: options.ownDestinations?.() ?? [],
      policy,
      generation,
      network,
      ...lists,
    });
  }

  /**
   * Once more from nothing if it is refused: what is there may be another version's, of a kind that can't
   * be changed in place.
   */
  async function apply(policy: CompiledPolicy, network: NetworkFacts): Promise<AppliedRuleset> {
    const loadOver = (over: "found" | "nothing"): Promise<AppliedRuleset> => {
      const all = learned.all();
      const restore = listLearned(all, options.nowMs());
      const restoreFlows = listFlows(all, options.nowMs());
      const revoked = listByFamily(learned.revoked());
      const bound = options.bound === undefined ? {} : { bound: listByFamily(options.bound.list()) };
      const lists = { restore, restoreFlows, revoked, ...bound };
      return applier.replace({ ...compile(policy, network, lists), over });
    };
    try {
      if (hasDrifted) return await loadOver("found");
      return await applier.replace(
        compile(policy, network, { restore: NO_ADDRESSES, revoked: NO_ADDRESSES }),
      );
    } catch (error) {
      if (!(error instanceof KernelError) || error.code !== "refused") throw error;
      hasDrifted = true;
      return loadOver("nothing");
    }
  }

  function nextGeneration(): void {
    generation = generation === LAST_GENERATION ? 1 : generation + 1;
  }

  /**
   * The kernel shows elements of sets with ports a moment after the rules that ask for them
   * (nft_set_commit_update in nf_tables_api.c). What these rules have admitted meanwhile is judged once more.
   */
  async function applySeen(policy: CompiledPolicy, network: NetworkFacts): Promise<boolean> {
    const { foundDrift } = await apply(policy, network);
    if (!usesScopes(policy)) return foundDrift;
    nextGeneration();
    const again = await apply(policy, network);
    return foundDrift || again.foundDrift;
  }

  return {
    generation() {
      return generation;
    },
    async enforce(policy: CompiledPolicy) {
      await options.catchUp?.();
      nextGeneration();
      // Before addresses are taken out: it says which of them are withheld by now.
      const network = options.readNetwork();
      await declarePortSets(policy);
      // Also before: it is these addresses' owners that tell whose label a flow has.
      const endDenied = await options.findDenied?.(policy);
      const { forgotten, lost } = await takeOut(policy);
      const comeBack = [...lastForgotten, ...lost];
      lastForgotten = forgotten;
      const foundDrift = await applySeen(policy, network);
      if (foundDrift || hasDrifted) {
        learned.reconcile();
        options.bound?.rewrite();
      }
      hasDrifted = false;
      // A change that failed half-way, or was taken back at once, has cost the allowed names their addresses;
      // so has drift.
      learned.restore(comeBack, policy);
      await runInSlices(learned.settle(policy));
      await endDenied?.();
      options.onEnforced(forgotten.length);
    },
    markDrifted() {
      hasDrifted = true;
    },
  };
}

/** As the transaction is to put them in, so that no flow of theirs is judged without them. */
function listLearned(all: readonly ForgottenAddress[], nowMs: number): RulesetInput["restore"] {
  const lists: { v4: TimedElement[]; v6: TimedElement[] } = { v4: [], v6: [] };
  for (const { key, owners, untilMs, flows } of all) {
    const timeoutSeconds = Math.ceil((untilMs - nowMs) / 1000);
    if (timeoutSeconds <= 0 || flows !== undefined) continue;
    const family = key.length === 4 ? "v4" : "v6";
    lists[family].push({ address: renderKey(key), timeoutSeconds, comment: renderOwners(owners) });
  }
  return lists;
}

/**
 * The same of those that not every flow may go to. What does not pass is said once the ruleset is in force.
 */
function listFlows(all: readonly ForgottenAddress[], nowMs: number): RulesetInput["restore"] {
  const lists: { v4: TimedElement[]; v6: TimedElement[] } = { v4: [], v6: [] };
  for (const { key, owners, untilMs, flows } of all) {
    const timeoutSeconds = Math.ceil((untilMs - nowMs) / 1000);
    if (timeoutSeconds <= 0 || flows === undefined) continue;
    for (const piece of piecesOf(flows, key.length === 4 ? 4 : 16)) {
      const address = `${renderKey(key)} . ${renderPiece(piece)}`;
      lists[key.length === 4 ? "v4" : "v6"].push({ address, timeoutSeconds, comment: renderOwners(owners) });
    }
  }
  return lists;
}

function listByFamily(keys: readonly Uint8Array[]): { v4: string[]; v6: string[] } {
  const lists: { v4: string[]; v6: string[] } = { v4: [], v6: [] };
  for (const key of keys) lists[key.length === 4 ? "v4" : "v6"].push(renderKey(key));
  return lists;
}

function renderKey(key: Uint8Array): string {
  return key.length === 4 ? renderAddress(key) : renderIpv6(key);
}
