/**
 * Loads a policy's ruleset, each time under another generation, in one transaction: what changed, or all of
 * it if somebody else has changed what is there.
 */
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import { compileRuleset } from "../../netfilter/chains/compile-ruleset.ts";
import { scopedLearnedSets, usesScopes } from "../../netfilter/chains/scoped-rules.ts";
import { KernelError } from "../../netfilter/errors.ts";
import { LAST_GENERATION } from "../../netfilter/flow-marks.ts";
import type { AppliedRuleset, RulesetApplier } from "../../netfilter/io/nft.ts";
import {
  type Marks,
  type NetworkFacts,
  NO_ADDRESSES,
  type RulesetInput,
} from "../../netfilter/ruleset-input.ts";
import type { Ruleset } from "../../netfilter/ruleset.ts";
import type { CompiledPolicy } from "../../policy/compile.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import { listByFamily, listFlows, listLearned } from "./learned-elements.ts";

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

export interface PolicyLoaderOptions {
  readonly frame: RulesetFrame;
  /** Where the sidecar's own packets may go, as it is at each load; default: nowhere but to the upstreams. */
  readonly ownDestinations?: () => readonly Endpoint[];
  readonly applier: RulesetApplier;
  readonly learned: Pick<LearnedAddresses, "all" | "revoked" | "hasScoped" | "foundPortSets">;
  /** Addresses of bound names that are led to the interceptor; undefined if nothing is intercepted. */
  readonly bound?: { list(): readonly Uint8Array[] } | undefined;
  readonly firstGeneration: number;
  readonly nowMs: () => number;
}

export interface PolicyLoader {
  /** The one that flows are admitted under now. */
  generation(): number;
  /** A generation is used once, also by a transaction that failed, for it may have taken effect. */
  nextGeneration(): void;
  /**
   * Makes the sets that the policy's ruleset asks for, if they are missing. They are there before anything is
   * learned into them, which is before that ruleset. Throws KernelError.
   */
  declareSets(policy: CompiledPolicy): Promise<void>;
  /** Whether the kernel's sets may hold something else than they should. Throws KernelError. */
  load(policy: CompiledPolicy, network: NetworkFacts): Promise<boolean>;
  /** Somebody else has changed what is there: all of the next policy is loaded, with what was learned. */
  markDrifted(): void;
  /** The sets hold again what they should, but for what was changed after the last load had begun. */
  settled(): void;
}

type RulesetLists = Pick<RulesetInput, "restore" | "restoreFlows" | "revoked" | "bound">;

export function createPolicyLoader(options: PolicyLoaderOptions): PolicyLoader {
  const { frame, applier, learned } = options;
  let generation = options.firstGeneration;
  const drift = createDriftMarks();
  /**
   * Whether the kernel has the sets of addresses that not every flow may go to; undefined before the first
   * policy.
   */
  let hasPortSets: boolean | undefined;

  function compile(policy: CompiledPolicy, network: NetworkFacts, lists: RulesetLists): Ruleset {
    const hasScopedLearned = learned.hasScoped();
    hasPortSets = hasScopedLearned || usesScopes(policy);
    const ownDestinations = options.ownDestinations?.() ?? [];
    return compileRuleset({
      hasScopedLearned,
      ...frame,
      ownDestinations,
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
    const loadOver = (over: "found" | "nothing"): Promise<AppliedRuleset> =>
      applier.replace({ ...compile(policy, network, allLists(options)), over });
    drift.loadBegins();
    try {
      if (drift.isMarked()) return await loadOver("found");
      return await applier.replace(
        compile(policy, network, { restore: NO_ADDRESSES, revoked: NO_ADDRESSES }),
      );
    } catch (error) {
      if (!(error instanceof KernelError) || error.code !== "refused") throw error;
      drift.mark();
      drift.loadBegins();
      return loadOver("nothing");
    }
  }

  function nextGeneration(): void {
    generation = generation === LAST_GENERATION ? 1 : generation + 1;
  }

  return {
    generation: () => generation,
    nextGeneration,
    async declareSets(policy) {
      hasPortSets ??= learned.foundPortSets();
      if (hasPortSets || !usesScopes(policy)) return;
      await applier.declare(scopedLearnedSets());
      hasPortSets = true;
    },
    async load(policy, network) {
      const first = await apply(policy, network);
      if (!usesScopes(policy)) return first.foundDrift || drift.isMarked();
      // The kernel shows elements of sets with ports a moment after the rules that ask for them
      // (nft_set_commit_update in nf_tables_api.c). What these rules have admitted meanwhile is judged once
      // more.
      nextGeneration();
      const again = await apply(policy, network);
      return first.foundDrift || again.foundDrift || drift.isMarked();
    },
    markDrifted: drift.mark,
    settled: drift.settle,
  };
}

interface DriftMarks {
  mark(): void;
  isMarked(): boolean;
  loadBegins(): void;
  /** Takes back the marks from before the last load began. */
  settle(): void;
}

function createDriftMarks(): DriftMarks {
  const marks = { all: 0, loaded: 0, settled: 0 };
  return {
    mark() {
      marks.all += 1;
    },
    isMarked: () => marks.all > marks.settled,
    loadBegins() {
      marks.loaded = marks.all;
    },
    settle() {
      marks.settled = marks.loaded;
    },
  };
}

/** All that the sets should hold. */
function allLists({
  learned,
  bound,
  nowMs,
}: Pick<PolicyLoaderOptions, "learned" | "bound" | "nowMs">): RulesetLists {
  const all = learned.all();
  const restore = listLearned(all, nowMs());
  const restoreFlows = listFlows(all, nowMs());
  const revoked = listByFamily(learned.revoked());
  return {
    restore,
    restoreFlows,
    revoked,
    ...(bound === undefined ? {} : { bound: listByFamily(bound.list()) }),
  };
}
