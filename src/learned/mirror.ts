/**
 * The table as the mirror of the kernel's sets: taken over at the start, put right after others have changed
 * the sets, and given back when a policy could not be put in force.
 */
import type { LearnedSet } from "../netfilter/learned-set.ts";
import type { CompiledPolicy } from "../policy/compile.ts";
import { flowsOfOwners } from "../policy/flows-to-learn.ts";
import type { Steps } from "../policy/steps.ts";
import { NO_SLOT } from "../tables/slot-index.ts";
import type { Forgetting } from "./forget.ts";
import type { ForgottenAddress } from "./forgotten.ts";
import { reconcileHeld, takeOverHeld } from "./held.ts";
import { reconcileScoped, takeOverScoped } from "./held-scoped.ts";
import { isAdmitted, isOpenTo } from "./owners.ts";
import type { RevokedAddresses } from "./revoked.ts";
import type { LearnedStore } from "./store.ts";
import type { WithheldAddresses } from "./withheld.ts";

export interface LearnedMirror {
  /**
   * Takes over what an earlier process left in the kernel, and puts back what is revoked. Nothing else may be
   * asked meanwhile. Throws LearnedSetError.
   */
  takeOver(): Steps<void>;
  /** Whether the kernel was found then with sets for addresses that not every flow may go to. */
  foundPortSets(): boolean;
  /** All that the kernel should hold now. */
  all(): readonly ForgottenAddress[];
  /**
   * Somebody else has changed the sets: makes them hold what they should, and nothing else. Throws
   * LearnedSetError.
   */
  reconcile(): void;
  /**
   * Puts back what was forgotten and is not out of date, as far as the policy admits it. Throws
   * LearnedSetError.
   */
  restore(forgotten: readonly ForgottenAddress[], policy: CompiledPolicy): void;
}

export interface LearnedMirrorParts {
  readonly set: LearnedSet;
  readonly store: LearnedStore;
  readonly revoked: Pick<RevokedAddresses, "takeOver" | "reconcile">;
  readonly withheld: Pick<WithheldAddresses, "has">;
  readonly forgetting: Pick<Forgetting, "doubt">;
}

export function createLearnedMirror(parts: LearnedMirrorParts): LearnedMirror {
  const { set, store, revoked, withheld, forgetting } = parts;
  const { table, scoped, admit, commit } = store;
  let foundPortSets = false;

  function all(): readonly ForgottenAddress[] {
    const found: ForgottenAddress[] = [];
    for (let slot = table.above(NO_SLOT); slot !== NO_SLOT; slot = table.above(slot)) {
      const key = table.key(slot);
      const flows = scoped.flowsOf(key);
      const one = { key, owners: table.owners(slot), untilMs: table.wantedUntilMs(slot) };
      found.push(flows === undefined ? one : { ...one, flows });
    }
    return found;
  }

  return {
    *takeOver() {
      forgetting.doubt();
      yield* takeOverHeld(store, set);
      foundPortSets = takeOverScoped(store, set);
      revoked.takeOver();
      commit();
    },
    foundPortSets: () => foundPortSets,
    all,
    reconcile() {
      const ofEveryFlow = all().filter(({ flows }) => flows === undefined);
      reconcileHeld(store, set, ofEveryFlow);
      reconcileScoped(store, set);
      revoked.reconcile();
      commit();
    },
    restore(forgotten, policy) {
      const nowMs = store.clock();
      for (const { key, owners, untilMs } of forgotten) {
        const isThere = table.find(key, 0, key.length) !== NO_SLOT;
        if (untilMs <= nowMs || isThere || !isAdmitted(policy, key, owners)) continue;
        if (!isOpenTo(policy, key, withheld)) continue;
        const { length } = key;
        const flows = flowsOfOwners(policy, owners);
        admit({ octets: key, at: 0, length, wildcard: undefined, untilMs, nowMs }, owners, flows);
      }
      commit();
    },
  };
}
