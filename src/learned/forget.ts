/**
 * What a change of the policy does to learned addresses. Before it is in force (`forget`), addresses that no
 * allowed name owns go and are revoked. Once it is (`settle`), what it admits is no longer revoked. Not here:
 * what goes by its time or a bound.
 */
import { LearnedSetError } from "../netfilter/errors.ts";
import type { CompiledPolicy } from "../policy/compile.ts";
import { createRescoping } from "./rescope.ts";
import type { Steps } from "../policy/steps.ts";
import type { ForgottenAddress } from "./forgotten.ts";
import { createLearnedJudge } from "./judge.ts";
import { isAdmitted, isOpenTo, parseOwners, renderOwners } from "./owners.ts";
import { findDifference, mayConcern, type PolicyDifference } from "./policy-difference.ts";
import type { RevokedAddresses } from "./revoked.ts";
import type { LearnedStore } from "./store.ts";
import type { WithheldAddresses } from "./withheld.ts";

/** Addresses that a change takes out in a step: half a millisecond of the kernel's. */
const FORGET_BATCH = 32;

export interface Forgetting {
  /** See `LearnedAddresses`. */
  forget(policy: CompiledPolicy, onSetsGone?: () => void): Steps<readonly ForgottenAddress[]>;
  settle(policy: CompiledPolicy): Steps<void>;
  /** Which policy has admitted what is in the table is not known: the next `forget` judges all of it. */
  doubt(): void;
}

export interface ForgettingOptions {
  readonly store: LearnedStore;
  readonly revoked: Pick<RevokedAddresses, "revoke" | "unrevokeWhere">;
  readonly withheld: Pick<WithheldAddresses, "has" | "list">;
}

export function createForgetting(options: ForgettingOptions): Forgetting {
  const { store, revoked, withheld } = options;
  const { table, commit } = store;
  const takeOut = createTakeOut(options);
  const judge = createLearnedJudge(table, withheld);
  const rescoping = createRescoping(store, judge);
  /** What admits every address of the table; undefined if that is not known. */
  let judged: CompiledPolicy | undefined;
  /** What may be decided differently since the last `settle`. */
  let unsettled: PolicyDifference | undefined;
  let isSettled = true;

  return {
    *forget(policy, onSetsGone = () => undefined) {
      const commitTo = (): void => commitUnlessGone(commit, onSetsGone);
      const difference = judged && findDifference(judged, policy);
      unsettled = isSettled ? difference : undefined;
      isSettled = false;
      const denied = yield* judge.findDenied(policy, difference);
      judged = undefined;
      const forgotten: ForgottenAddress[] = [];
      for (let from = 0; from < denied.length; from += FORGET_BATCH) {
        forgotten.push(...takeOut(denied.slice(from, from + FORGET_BATCH), policy, commitTo));
        yield;
      }
      // With no pause after it: from now on both policies admit what comes.
      forgotten.push(...takeOut(judge.findDeniedSince(policy), policy, commitTo));
      judged = policy;
      yield* rescoping.narrow(policy, difference, commitTo);
      return forgotten;
    },
    *settle(policy) {
      const difference = unsettled;
      isSettled = true;
      const steps = revoked.unrevokeWhere(
        (key, owners) => mayConcern(difference, owners) && isAdmitted(policy, key, parseOwners(owners)),
      );
      for (const _step of steps) {
        commit();
        yield;
      }
      commit();
      yield* rescoping.settle(policy);
    },
    doubt() {
      judged = undefined;
    },
  };
}

type TakeOut = (
  slots: readonly number[],
  policy: CompiledPolicy,
  commitTo: () => void,
) => readonly ForgottenAddress[];

/**
 * Takes out those of the slots that are denied still: an allowed name may have given one since, or another
 * address be there.
 */
function createTakeOut({ store, revoked, withheld }: ForgettingOptions): TakeOut {
  const { table, expire } = store;
  return function takeOut(slots, policy, commitTo) {
    const found: ForgottenAddress[] = [];
    for (const slot of slots) {
      if (!table.isUsed(slot)) continue;
      const key = table.key(slot);
      const owners = table.owners(slot);
      if (isAdmitted(policy, key, owners) && isOpenTo(policy, key, withheld)) continue;
      found.push({ key, owners, untilMs: table.wantedUntilMs(slot) });
      expire(slot);
      // If no owner is known, a name that is still allowed may be one. A gateway that calls in is no
      // name's host.
      if (owners.length > 0 && !withheld.has(key, 0, key.length)) revoked.revoke(key, renderOwners(owners));
    }
    commitTo();
    for (const { key } of found) table.remove(table.find(key, 0, key.length));
    return found;
  };
}

/** From sets that somebody has deleted nothing needs to be taken out. */
function commitUnlessGone(commit: () => void, onSetsGone: () => void): void {
  try {
    commit();
  } catch (error) {
    if (!(error instanceof LearnedSetError) || error.code !== "ENOENT") throw error;
    onSetsGone();
  }
}
