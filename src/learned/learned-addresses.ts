/**
 * Addresses that allowed names gave ([README](./README.md)): what the kernel holds of them, and which names
 * own each. The kernel's set is the truth; this is its mirror, so that an answer whose addresses are in force
 * already costs no system call.
 *
 * An address lives for its TTL and some slack, while flows use it, and for a grace time after; it goes early
 * when no name that owns it is allowed any more, and where a bound is met: then the one that was used longest
 * ago goes, of the same name, of the same wildcard, or of all. It counts for the name that gave it first, so
 * that a name that gives ever new addresses costs others none.
 *
 * Known limits: a name that gives an address which is in force already is written to the kernel with the next
 * renewal only, so a restart before that does not know it, and what counts for which wildcard is not known
 * after a restart; an address remembers {@link MAX_OWNERS} names; a flow that begins and is reset between two
 * rounds is not seen to use its address.
 */
import type { AddressAdmission } from "../dns/ports.ts";
import { MAX_LEARNED_ADDRESSES } from "../netfilter/chains/named-sets.ts";
import type { LearnedSet } from "../netfilter/learned-set.ts";
import type { CompiledPolicy } from "../policy/compile.ts";
import type { Steps } from "../policy/steps.ts";
import { createForgetting } from "./forget.ts";
import type { ForgottenAddress } from "./forgotten.ts";
import { createLearn, type LearnOptions } from "./learn.ts";
import { createLearnedMirror, type LearnedMirror } from "./mirror.ts";
import { createLearnedRenewal, type LearnedRenewal } from "./renew.ts";
import { createRevokedAddresses } from "./revoked.ts";
import { createLearnedStore, type LearnedFigures } from "./store.ts";
import { createLearnedView, type LearnedView } from "./view.ts";
import type { WithheldAddresses } from "./withheld.ts";

export interface LearnedAddresses extends AddressAdmission, LearnedMirror, LearnedRenewal, LearnedView {
  /**
   * Takes out and revokes all that this policy would not admit, and returns it. Between two steps lookups may
   * go on that both this policy and the one before allow. Throws LearnedSetError; what is out by then is
   * written anew when it comes again. If the kernel's sets are gone, `onSetsGone` is called instead, maybe
   * several times: what stays has to be loaded again.
   */
  forget(policy: CompiledPolicy, onSetsGone?: () => void): Steps<readonly ForgottenAddress[]>;
  /**
   * This policy is in force: what it admits is revoked no longer, some in each step. Throws LearnedSetError.
   */
  settle(policy: CompiledPolicy): Steps<void>;
  /** Whether only names that are denied by now have given the address: 4 octets or 16. */
  isRevoked(octets: Uint8Array): boolean;
  /** Addresses that the kernel should hold as revoked now. */
  revoked(): readonly Uint8Array[];
  /** Addresses that there may be. */
  readonly capacity: number;
  readonly figures: Readonly<LearnedFigures>;
}

export interface LearnedAddressesOptions extends LearnOptions {
  readonly set: LearnedSet;
  /**
   * Addresses that there may be: memory for them is reserved at once, and touched as they come. Default: as
   * many as the kernel's sets take.
   */
  readonly capacity?: number;
  /** How long an address stays after flows have used it. */
  readonly graceSeconds: number;
  /**
   * What no name gives unless a rule allows it. One that was learned before it was withheld goes with the
   * next `forget`.
   */
  readonly withheld: Pick<WithheldAddresses, "has" | "list">;
  readonly nowMs: () => number;
  /** 32 bits at random, for the hash of a table. */
  readonly drawSeed: () => number;
  /** Called with the reason when a commit failed. */
  readonly onRefused: (error: unknown) => void;
}

export function createLearnedAddresses(options: LearnedAddressesOptions): LearnedAddresses {
  const { set, nowMs: clock, withheld, onRefused, capacity = MAX_LEARNED_ADDRESSES } = options;
  const revoked = createRevokedAddresses(set, clock);
  const store = createLearnedStore({ capacity, ...options, unrevoke: revoked.unrevoke });
  const { table, commit, figures } = store;
  const forgetting = createForgetting({ store, revoked, withheld });
  const mirror = createLearnedMirror({ set, store, revoked, withheld, forgetting });
  const renewal = createLearnedRenewal(store, options.graceSeconds * 1000);
  const view = createLearnedView(store, revoked);

  return {
    learn: createLearn(store, options),
    commit() {
      try {
        commit();
        return true;
      } catch (error) {
        onRefused(error);
        return false;
      }
    },
    epoch: table.epoch,
    forget: forgetting.forget,
    settle: forgetting.settle,
    isRevoked: revoked.has,
    revoked: revoked.list,
    takeOver: mirror.takeOver,
    foundPortSets: mirror.foundPortSets,
    all: mirror.all,
    reconcile: mirror.reconcile,
    restore: mirror.restore,
    renew: renewal.renew,
    hasLapsedSince: renewal.hasLapsedSince,
    list: view.list,
    find: view.find,
    has: view.has,
    flowsOf: view.flowsOf,
    hasScoped: view.hasScoped,
    namesOf: view.namesOf,
    size: view.size,
    capacity,
    figures,
  };
}
