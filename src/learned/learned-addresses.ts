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
import { NO_SLOT } from "../tables/slot-index.ts";
import type { LearnedSet } from "../netfilter/learned-set.ts";

import type { CompiledPolicy } from "../policy/compile.ts";
import type { DomainName } from "../policy/domain-name.ts";
import { MAX_LEARNED_ADDRESSES } from "../netfilter/chains/named-sets.ts";
import type { Steps } from "../policy/steps.ts";
import { reconcileHeld, takeOverHeld } from "./held.ts";
import { reconcileScoped, takeOverScoped } from "./held-scoped.ts";
import { EVERY_FLOW, type FlowSet, isEvery, isNone, NO_FLOWS, unionOf } from "../policy/flow-set.ts";
import { flowsOfOwners } from "../policy/flows-to-learn.ts";
import { createForgetting } from "./forget.ts";
import * as life from "./life.ts";
import { isAdmitted, isOpenTo } from "./owners.ts";
import { describeSlot, type LearnedAddress, type LearnedPage, listPage } from "./pages.ts";
import { createLearnedStore, type LearnedFigures } from "./store.ts";
import { keyOctets } from "../tables/octet-key.ts";
import type { NewRow } from "./table.ts";
import { createRevokedAddresses } from "./revoked.ts";
import type { WithheldAddresses } from "./withheld.ts";
import type { ForgottenAddress } from "./forgotten.ts";

/** Addresses that go if one more would be too many for a wildcard. */
const EVICTED_TOGETHER = 32;

export interface LearnedAddresses extends AddressAdmission {
  /**
   * Takes over what an earlier process left in the kernel, and puts back what is revoked. Nothing else may be
   * asked meanwhile. Throws LearnedSetError.
   */
  takeOver(): Steps<void>;
  /**
   * Takes out and revokes all that this policy would not admit, and returns it. Between two steps lookups may
   * go on that both this policy and the one before allow. Throws LearnedSetError; what is out by then is
   * written anew when it comes again.
   */
  forget(policy: CompiledPolicy): Steps<readonly ForgottenAddress[]>;
  /**
   * This policy is in force: what it admits is revoked no longer, some in each step. Throws LearnedSetError.
   */
  settle(policy: CompiledPolicy): Steps<void>;
  /** Whether only names that are denied by now have given the address: 4 octets or 16. */
  isRevoked(octets: Uint8Array): boolean;
  /** The kernel's sets are gone: forgets everything, and returns what they should hold. */
  loseAll(): readonly ForgottenAddress[];
  /** All that the kernel should hold now. */
  all(): readonly ForgottenAddress[];
  /** Addresses that the kernel should hold as revoked now. */
  revoked(): readonly Uint8Array[];
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
  /**
   * Gives addresses that flows use a longer life, and those back whose time is just over, as far as they are
   * known. Throws LearnedSetError.
   */
  renew(inUse: ReadonlySet<string>): void;
  /** Whether some address's time is over that a flow may use: one that began after the round at this time. */
  hasLapsedSince(nowMs: number): boolean;
  /**
   * Up to `limit` addresses, from place `after` on, 0 being the first; a place past the end gives none.
   * Places stay while the table changes: an address that is in force through all pages comes at least once.
   * Costs by the page.
   */
  list(after: number, limit: number): LearnedPage;
  /** One that is in force: 4 octets or 16. */
  find(octets: Uint8Array): LearnedAddress | undefined;
  /** Whether the kernel may hold the address as learned: 4 octets or 16. */
  has(octets: Uint8Array): boolean;
  /** The flows to it that are let through: none if it is not held. */
  flowsOf(octets: Uint8Array): FlowSet;
  /** Whether addresses are held that not every flow may go to. */
  hasScoped(): boolean;
  /** Whether the kernel was found with sets for such addresses when they were taken over. */
  readonly foundPortSets: boolean;
  /**
   * Names that gave the address, the latest first, also if a change has denied them since; none if that is
   * not known.
   */
  namesOf(octets: Uint8Array): readonly string[];
  size(): number;
  /** Addresses that there may be. */
  readonly capacity: number;
  readonly figures: Readonly<LearnedFigures>;
}

export interface LearnedAddressesOptions {
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
  /** The base of the wildcard that allows the name, if a wildcard does. */
  readonly wildcardOf: (qname: DomainName) => DomainName | undefined;
  /** Flows that the name opens to its addresses now; undefined: all. Default: all. */
  readonly flowsToLearn?: (qname: DomainName) => FlowSet | undefined;
  readonly nowMs: () => number;
  /** 32 bits at random, for the hash of a table. */
  readonly drawSeed: () => number;
  /** Called with the reason when a commit failed. */
  readonly onRefused: (error: unknown) => void;
}

const everyFlow = (): undefined => undefined;

export function createLearnedAddresses(options: LearnedAddressesOptions): LearnedAddresses {
  const { set, nowMs: clock, wildcardOf, withheld, onRefused, flowsToLearn = everyFlow } = options;
  const graceMs = options.graceSeconds * 1000;
  const revoked = createRevokedAddresses(set, clock);
  const { capacity = MAX_LEARNED_ADDRESSES } = options;
  const store = createLearnedStore({ capacity, ...options, unrevoke: revoked.unrevoke });
  const { table, scoped, admit, admitOf, holds, rescope, prolong, makeRoom, evict, commit, figures } = store;
  let foundPortSets = false;
  const forgetting = createForgetting({ store, revoked, withheld });

  function learnNew(qname: DomainName, row: NewRow, flows: FlowSet | undefined): void {
    const nowMs = row.nowMs;
    for (let slot = table.crowdedOfName(qname); slot !== NO_SLOT; slot = table.crowdedOfName(qname))
      evict(slot, "name", nowMs);
    if (table.crowdedOfWildcard(row.wildcard) !== NO_SLOT) evictOfWildcard(row.wildcard, nowMs);
    admitOf(row, qname, flows);
  }

  /** Several at once: the kernel takes elements that leave one after the other for less. */
  function evictOfWildcard(wildcard: string | undefined, nowMs: number): void {
    const next = (): number => table.crowdedOfWildcard(wildcard, EVICTED_TOGETHER);
    for (let slot = next(); slot !== NO_SLOT; slot = next()) evict(slot, "wildcard", nowMs);
  }

  /** To what other names allow, too; what is in doubt begins anew. */
  function widen(slot: number, flows: FlowSet | undefined, untilMs: number): void {
    const held = scoped.flowsOf(table.keyView(slot)) ?? NO_FLOWS;
    const both = flows && unionOf(held, flows);
    rescope(slot, both && isEvery(both) ? undefined : both, untilMs);
  }

  function all(): readonly ForgottenAddress[] {
    const found: ForgottenAddress[] = [];
    for (let slot = table.above(NO_SLOT); slot !== NO_SLOT; slot = table.above(slot)) {
      const key = table.key(slot);
      const flows = scoped.flowsOf(key);
      const one = { key, owners: table.owners(slot), untilMs: table.untilMs(slot) };
      found.push(flows === undefined ? one : { ...one, flows });
    }
    return found;
  }

  function restore(forgotten: readonly ForgottenAddress[], policy: CompiledPolicy): void {
    const nowMs = clock();
    for (const { key, owners, untilMs } of forgotten) {
      const isThere = table.find(key, 0, key.length) !== NO_SLOT;
      if (untilMs <= nowMs || isThere || !isAdmitted(policy, key, owners)) continue;
      if (!isOpenTo(policy, key, withheld)) continue;
      const { length } = key;
      const flows = flowsOfOwners(policy, owners);
      admit({ octets: key, at: 0, length, wildcard: undefined, untilMs, nowMs }, owners, flows);
    }
    commit();
  }

  return {
    learn(qname, octets, at, length, ttlSeconds) {
      const flows = flowsToLearn(qname);
      if (flows !== undefined && isNone(flows)) return;
      const nowMs = clock();
      let known = table.find(octets, at, length);
      const isLasting = known !== NO_SLOT && life.outlasts(table.untilMs(known), ttlSeconds, nowMs);
      if (isLasting) {
        table.use(known, nowMs);
        if (table.isOwner(known, qname) && holds(known, flows)) return;
      }
      if (known !== NO_SLOT && !table.hasRoom()) {
        makeRoom(nowMs);
        known = table.find(octets, at, length);
      }
      const lifeMs = life.ofAnswer(ttlSeconds);
      if (known === NO_SLOT) {
        const wildcard = wildcardOf(qname);
        learnNew(qname, { octets, at, length, wildcard, untilMs: nowMs + lifeMs, nowMs }, flows);
        return;
      }
      const isHeld = holds(known, flows);
      table.addOwner(known, qname);
      table.use(known, nowMs);
      if (!isHeld) widen(known, flows, Math.max(nowMs + lifeMs, table.untilMs(known)));
      else if (!isLasting) prolong(known, Math.max(nowMs + lifeMs, table.untilMs(known)), nowMs);
    },
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
    *takeOver() {
      forgetting.doubt();
      yield* takeOverHeld(store, set);
      foundPortSets = takeOverScoped(store, set);
      revoked.takeOver();
      commit();
    },
    forget: forgetting.forget,
    settle: forgetting.settle,
    isRevoked: revoked.has,
    loseAll() {
      const lost = all();
      for (const { key } of lost) table.remove(table.find(key, 0, key.length));
      scoped.clear();
      return lost;
    },
    all,
    revoked: revoked.list,
    reconcile() {
      reconcileHeld(
        store,
        set,
        all().filter(({ flows }) => flows === undefined),
      );
      reconcileScoped(store, set);
      revoked.reconcile();
      commit();
    },
    restore,
    renew(inUse) {
      const nowMs = clock();
      for (const text of inUse) {
        const key = keyOctets(text);
        const known = table.find(key, 0, key.length);
        if (known === NO_SLOT || !table.hasOwner(known)) continue;
        table.use(known, nowMs, true);
        if (table.untilMs(known) >= nowMs + graceMs + life.IN_USE_LEFT_MS) continue;
        prolong(known, nowMs + graceMs + life.IN_USE_MS, nowMs);
        figures.renewals += 1;
      }
      commit();
    },
    hasLapsedSince: (roundMs) => table.hasOneUntil(roundMs, clock()),
    list: (after, limit) => listPage(table, { after, limit, nowMs: clock() }),
    find(octets) {
      const slot = table.find(octets, 0, octets.length);
      return slot === NO_SLOT ? undefined : describeSlot(table, slot, clock());
    },
    has(octets) {
      const slot = table.find(octets, 0, octets.length);
      return slot !== NO_SLOT && !life.hasRunOut(table.untilMs(slot), clock());
    },
    flowsOf(octets) {
      const slot = table.find(octets, 0, octets.length);
      if (slot === NO_SLOT || life.hasRunOut(table.untilMs(slot), clock())) return NO_FLOWS;
      return scoped.flowsOf(octets) ?? EVERY_FLOW;
    },
    hasScoped: () => scoped.size() > 0,
    get foundPortSets() {
      return foundPortSets;
    },
    namesOf(octets) {
      const slot = table.find(octets, 0, octets.length);
      return slot === NO_SLOT ? revoked.namesOf(octets) : table.owners(slot);
    },
    size: table.size,
    capacity,
    figures,
  };
}
