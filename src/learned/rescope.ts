/**
 * What a change of the policy does to learned addresses that stay: which flows to them pass. What goes is
 * another matter, see `forget.ts`.
 */
import type { CompiledPolicy } from "../policy/compile.ts";
import { EVERY_FLOW, type FlowSet, isEvery, isSame } from "../policy/flow-set.ts";
import { bothOf, flowsOfOwners } from "../policy/flows-to-learn.ts";
import type { Steps } from "../policy/steps.ts";
import { NO_SLOT } from "../tables/slot-index.ts";
import type { LearnedJudge } from "./judge.ts";
import * as life from "./life.ts";
import type { PolicyDifference } from "./policy-difference.ts";
import type { LearnedStore } from "./store.ts";

export interface Rescoping {
  /**
   * Before the policy is in force: from now on none but what it, too, allows passes, also if it comes to
   * nothing. Throws what `commitTo` does, which puts a batch in force.
   */
  narrow(policy: CompiledPolicy, difference: PolicyDifference | undefined, commitTo: () => void): Steps<void>;
  /** Once it is: all that it allows. Throws LearnedSetError. */
  settle(policy: CompiledPolicy): Steps<void>;
}

/** Addresses that are written in a step. */
const RESCOPED_TOGETHER = 32;

export function createRescoping(
  { table, scoped, clock, rescope, commit }: LearnedStore,
  judge: Pick<LearnedJudge, "findConcerned">,
): Rescoping {
  function* narrow(
    policy: CompiledPolicy,
    difference: PolicyDifference | undefined,
    commitTo: () => void,
  ): Steps<void> {
    if (policy.fallback.action === "allow" && !scoped.isRefusing()) {
      scoped.setRefusing(true);
      yield* rewrite(
        scoped.keys().map((key) => table.find(key, 0, key.length)),
        (_slot, held) => held,
        commitTo,
      );
    }
    if (policy.scoped.length === 0 && policy.audits === undefined) return;
    const slots = yield* judge.findConcerned(difference);
    const flowsFor = (slot: number, held: FlowSet | undefined): FlowSet | undefined => {
      const flows = bothOf(held, flowsOfOwners(policy, table.owners(slot)));
      return isUnchanged(held, flows) ? undefined : flows;
    };
    yield* rewrite(slots, flowsFor, commitTo);
  }

  function* settle(policy: CompiledPolicy): Steps<void> {
    const isRefusing = policy.fallback.action === "allow";
    const stale = scoped.isRefusing() && !isRefusing;
    scoped.setRefusing(isRefusing);
    const slots = scoped.keys().map((key) => table.find(key, 0, key.length));
    const flowsFor = (slot: number, held: FlowSet | undefined): FlowSet | undefined => {
      const flows = flowsOfOwners(policy, table.owners(slot)) ?? EVERY_FLOW;
      return isUnchanged(held, flows) && !stale ? undefined : flows;
    };
    yield* rewrite(slots, flowsFor, commit);
  }

  /** What rows are to hold; undefined leaves one as it is. A batch in each step. */
  function* rewrite(
    slots: readonly number[],
    flowsFor: (slot: number, held: FlowSet | undefined) => FlowSet | undefined,
    commitTo: () => void,
  ): Steps<void> {
    let count = 0;
    for (const slot of slots) {
      if (slot === NO_SLOT || !table.isUsed(slot) || !table.hasOwner(slot)) continue;
      const flows = flowsFor(slot, scoped.flowsOf(table.keyView(slot)));
      const nowMs = clock();
      if (flows === undefined || life.hasRunOut(table.untilMs(slot), nowMs)) continue;
      rescope(slot, isEvery(flows) ? undefined : flows, Math.max(table.wantedUntilMs(slot), nowMs + 1000));
      if (++count % RESCOPED_TOGETHER !== 0) continue;
      commitTo();
      yield;
    }
    commitTo();
  }

  return { narrow, settle };
}

function isUnchanged(held: FlowSet | undefined, flows: FlowSet | undefined): boolean {
  return isSame(held ?? EVERY_FLOW, flows ?? EVERY_FLOW);
}
