/**
 * Addresses that allowed names gave: what the kernel holds of them, and which names own each. The kernel's set is the truth;
 * this is its mirror, so that an answer whose addresses are in force already costs no system call.
 *
 * An address lives for its TTL and some slack, and goes early only when no name that owns it is allowed any more.
 *
 * Known limits: a name that gives an address which is in force already is written to the kernel with the next renewal only, so a
 * restart before that does not know it; an address remembers the last {@link MAX_OWNERS} names; there are {@link MAX_ADDRESSES} addresses at most, of
 * which the one learned longest ago goes first.
 */
import { randomInt } from "node:crypto";
import type { AddressAdmission } from "../dns/ports.ts";
import { NO_SLOT } from "../dns/slot-index.ts";
import type { LearnedSet } from "../netfilter/io/learned-set.ts";
import { MAX_COMMENT_OCTETS } from "../netfilter/wire/set-element.ts";
import type { CompiledPolicy } from "../policy/compile.ts";
import { decideAddress } from "../policy/decide-address.ts";
import { decideName } from "../policy/decide-name.ts";
import { isDomainName, type DomainName } from "../policy/domain-name.ts";
import { compareHeld } from "./compare-held.ts";
import { createLearnedTable } from "./learned-table.ts";
import { keyOctets } from "./octet-key.ts";
import { createRevokedAddresses } from "./revoked-addresses.ts";

/** A renewal is worth a write only when it adds at least this much. */
const RENEW_SPARE_MS = 60_000;
/** How much longer than its TTL an address stays, and the bounds of the whole. Answers are given out with a TTL of 300 s at most. */
const SLACK_SECONDS = 60;
const MIN_SECONDS = 60;
const MAX_SECONDS = 360;
/** What a flow's use gives an address from then on: for clients that reconnect without asking again. */
const IN_USE_SECONDS = 180;
/** An address in force for at least this long after the answer's TTL needs no renewal. */
const SPARE_MS = 20_000;
const MAX_ADDRESSES = 65_536;
/** The kernel lets go a little later than we think, for it took the address a little later. */
const EXPIRY_SKEW_MS = 1000;
const MAX_OWNERS = 8;
/** Addresses that go in one batch: a few hundred octets each, on a socket that may have no more than 200 KiB. */
const FORGET_BATCH = 512;

export interface ForgottenAddress {
  readonly key: Uint8Array;
  /** Names that gave it, parted by blanks, the latest first. */
  readonly owners: string;
  readonly untilMs: number;
}

/** One address in force. */
export interface LearnedAddress {
  readonly octets: Uint8Array;
  /** The latest first. */
  readonly owners: readonly DomainName[];
  /** Undefined: not known, as the kernel did not say whether it took the address. */
  readonly leftMs: number | undefined;
}

export interface LearnedPage {
  readonly addresses: readonly LearnedAddress[];
  /** Where the next page begins; undefined after the last one. */
  readonly next: number | undefined;
}

export interface LearnedAddresses extends AddressAdmission {
  /** Takes over what an earlier process left in the kernel, and puts back what is revoked. Throws LearnedSetError. */
  takeOver(): void;
  /** Takes out and revokes all that this policy would not admit, and returns it. Throws LearnedSetError; what is left is then written anew when it comes again. */
  forget(policy: CompiledPolicy): readonly ForgottenAddress[];
  /** This policy is in force: what it admits is revoked no longer. Throws LearnedSetError. */
  settle(policy: CompiledPolicy): void;
  /** Whether only names that are denied by now have given the address: 4 octets or 16. */
  isRevoked(octets: Uint8Array): boolean;
  /** The kernel's sets are gone: forgets everything, and returns what they should hold. */
  loseAll(): readonly ForgottenAddress[];
  /** All that the kernel should hold now. */
  all(): readonly ForgottenAddress[];
  /** Addresses that the kernel should hold as revoked now. */
  revoked(): readonly Uint8Array[];
  /** Somebody else has changed the sets: makes them hold what they should, and nothing else. Throws LearnedSetError. */
  reconcile(): void;
  /** Puts back what was forgotten and is not out of date, as far as the policy admits it. Throws LearnedSetError. */
  restore(forgotten: readonly ForgottenAddress[], policy: CompiledPolicy): void;
  /** Gives addresses that flows use a longer life, as far as they are known. Throws LearnedSetError. */
  renew(inUse: ReadonlySet<string>): void;
  /**
   * Up to `limit` addresses, from place `after` on, 0 being the first; a place past the end gives none. Places stay while the table
   * changes: an address that is in force through all pages comes at least once. Costs by the page.
   */
  list(after: number, limit: number): LearnedPage;
  /** Whether the kernel may hold the address as learned: 4 octets or 16. */
  has(octets: Uint8Array): boolean;
  readonly size: number;
  /** Addresses that there may be. */
  readonly capacity: number;
}

export interface LearnedAddressesOptions {
  readonly set: LearnedSet;
  readonly nowMs: () => number;
  /** Hears why a commit failed. */
  readonly onRefused: (error: unknown) => void;
}

export function createLearnedAddresses({ set, nowMs, onRefused }: LearnedAddressesOptions): LearnedAddresses {
  const seed = randomInt(2 ** 32);
  const table = createLearnedTable({ capacity: MAX_ADDRESSES, maxOwners: MAX_OWNERS, seed });
  const revoked = createRevokedAddresses(set, nowMs);
  /** Addresses that the next commit speaks of. */
  let touched: Uint8Array[] = [];

  function write(key: Uint8Array, owners: string, untilMs: number, now: number): void {
    const timeoutMs = Math.ceil(untilMs - now);
    makeRoom(now);
    const known = table.find(key, 0, key.length);
    if (known === NO_SLOT) {
      set.add(key, timeoutMs, renderOwners(owners));
    } else {
      table.remove(known);
      set.refresh(key, timeoutMs, renderOwners(owners));
    }
    revoked.pardon(key);
    // At once after the removal, so that an address that is written anew keeps its slot.
    table.add(key, 0, key.length, owners, untilMs);
    touched.push(key);
  }

  function put(key: Uint8Array, owners: string, untilMs: number, now: number): void {
    makeRoom(now);
    table.add(key, 0, key.length, owners, untilMs);
  }

  /** The oldest go where there is no room; what has run out goes two for each that comes, so that it does not pile up. */
  function makeRoom(now: number): void {
    for (let looked = 0; table.oldest !== NO_SLOT; looked++) {
      const isGone = hasRunOut(table.untilMs(table.oldest), now);
      if (table.hasRoom && (looked === 2 || !isGone)) break;
      if (!isGone) letGo(table.oldest);
      table.remove(table.oldest);
    }
  }

  function letGo(slot: number): void {
    const key = table.key(slot);
    set.remove(key);
    touched.push(key);
  }

  /** What the kernel was asked for may or may not be there: it is written anew when it is wanted again. */
  function commit(): void {
    const keys = touched;
    touched = [];
    try {
      set.commit();
    } catch (error) {
      keys.forEach(doubt);
      throw error;
    }
  }

  function doubt(key: Uint8Array): void {
    const slot = table.find(key, 0, key.length);
    if (slot === NO_SLOT) put(key, "", 0, nowMs());
    else table.setUntilMs(slot, 0);
  }

  function all(): readonly ForgottenAddress[] {
    const found: ForgottenAddress[] = [];
    for (let slot = table.oldest; slot !== NO_SLOT; slot = table.newer(slot)) {
      found.push({ key: table.key(slot), owners: table.owners(slot), untilMs: table.untilMs(slot) });
    }
    return found;
  }

  function restore(forgotten: readonly ForgottenAddress[], policy: CompiledPolicy): void {
    const now = nowMs();
    for (const { key, owners, untilMs } of forgotten) {
      const isThere = table.find(key, 0, key.length) !== NO_SLOT;
      if (untilMs > now && !isThere && isAdmitted(policy, key, owners)) write(key, owners, untilMs, now);
    }
    commit();
  }

  return {
    learn(qname, octets, at, length, ttlSeconds) {
      const now = nowMs();
      const known = table.find(octets, at, length);
      const isLasting = known !== NO_SLOT && table.untilMs(known) >= now + ttlSeconds * 1000 + SPARE_MS;
      if (isLasting && table.isOwner(known, qname)) return;
      const owners = known === NO_SLOT ? qname : withOwner(table.owners(known), qname);
      if (isLasting && table.hasRoom) {
        table.setOwners(known, owners);
        return;
      }
      const timeoutMs = 1000 * Math.min(Math.max(ttlSeconds + SLACK_SECONDS, MIN_SECONDS), MAX_SECONDS);
      const formerMs = known === NO_SLOT ? 0 : table.untilMs(known);
      write(
        new Uint8Array(octets.subarray(at, at + length)),
        owners,
        Math.max(now + timeoutMs, formerMs),
        now,
      );
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
    takeOver() {
      const now = nowMs();
      // Both are read before anything is put, for a dump forgets what is queued.
      const held = [...set.dump(4), ...set.dump(6)];
      for (const { key, expiresInMs, comment } of held)
        put(key, parseOwners(comment), now + expiresInMs, now);
      revoked.takeOver();
      commit();
    },
    forget(policy) {
      const forgotten: ForgottenAddress[] = [];
      for (let slot = table.oldest; slot !== NO_SLOT; slot = table.newer(slot)) {
        const key = table.key(slot);
        const owners = table.owners(slot);
        if (isAdmitted(policy, key, owners)) continue;
        forgotten.push({ key, owners, untilMs: table.untilMs(slot) });
        letGo(slot);
        // Where no owner is known, a name that is still allowed may be one.
        if (owners !== "") revoked.revoke(key, renderOwners(owners));
        if (forgotten.length % FORGET_BATCH === 0) commit();
      }
      commit();
      for (const { key } of forgotten) table.remove(table.find(key, 0, key.length));
      return forgotten;
    },
    settle(policy) {
      revoked.pardonWhere((key, owners) => isAdmitted(policy, key, owners));
      commit();
    },
    isRevoked: revoked.has,
    loseAll() {
      const lost = all();
      for (const { key } of lost) table.remove(table.find(key, 0, key.length));
      return lost;
    },
    all,
    revoked: revoked.list,
    reconcile() {
      const now = nowMs();
      const { strays, lost } = compareHeld([...set.dump(4), ...set.dump(6)], all(), now);
      strays.forEach((key, index) => {
        set.remove(key);
        if (index % FORGET_BATCH === 0) commit();
      });
      lost.forEach(({ key, owners, untilMs }, index) => {
        write(key, owners, untilMs, now);
        if (index % FORGET_BATCH === 0) commit();
      });
      revoked.reconcile();
      commit();
    },
    restore,
    renew(inUse) {
      const now = nowMs();
      for (const text of inUse) {
        const key = keyOctets(text);
        const known = table.find(key, 0, key.length);
        if (known === NO_SLOT) continue;
        const owners = table.owners(known);
        const untilMs = now + IN_USE_SECONDS * 1000;
        const isShort = table.untilMs(known) < untilMs - RENEW_SPARE_MS;
        if (owners !== "" && isShort) write(key, owners, untilMs, now);
      }
      commit();
    },
    list(after, limit) {
      const now = nowMs();
      const addresses: LearnedAddress[] = [];
      let slot = table.above(after);
      for (; slot !== NO_SLOT && addresses.length < limit; slot = table.above(slot)) {
        const untilMs = table.untilMs(slot);
        if (hasRunOut(untilMs, now)) continue;
        const leftMs = untilMs === 0 ? undefined : Math.max(untilMs - now, 0);
        addresses.push({ octets: table.key(slot), owners: namesOf(table.owners(slot)), leftMs });
      }
      return { addresses, next: slot === NO_SLOT ? undefined : slot - 1 };
    },
    has(octets) {
      const slot = table.find(octets, 0, octets.length);
      return slot !== NO_SLOT && !hasRunOut(table.untilMs(slot), nowMs());
    },
    get size() {
      return table.size;
    },
    capacity: MAX_ADDRESSES,
  };
}

function hasRunOut(untilMs: number, now: number): boolean {
  return untilMs > 0 && untilMs + EXPIRY_SKEW_MS < now;
}

function withOwner(owners: string, qname: DomainName): string {
  const others = namesOf(owners).filter((owner) => owner !== qname);
  return [qname, ...others.slice(0, MAX_OWNERS - 1)].join(" ");
}

/** Whether a name that owns the address is allowed, and no rule denies the address itself. */
function isAdmitted(policy: CompiledPolicy, octets: Uint8Array, owners: string): boolean {
  const { action, rule } = decideAddress(policy, octets, 0, octets.length === 4 ? 4 : 16);
  if (rule !== undefined && action === "deny") return false;
  return namesOf(owners).some((owner) => decideName(policy, owner).action === "allow");
}

/** Whole names only, the latest first, as far as a comment has room: a name cut short would be another name. */
function renderOwners(owners: string): string {
  if (owners.length <= MAX_COMMENT_OCTETS) return owners;
  return owners.slice(0, Math.max(owners.lastIndexOf(" ", MAX_COMMENT_OCTETS), 0));
}

function parseOwners(comment: string): string {
  return namesOf(comment).slice(0, MAX_OWNERS).join(" ");
}

function namesOf(owners: string): readonly DomainName[] {
  const names = owners.includes(" ") ? owners.split(" ") : [owners];
  return names.filter((name): name is DomainName => name !== "" && isDomainName(name));
}
