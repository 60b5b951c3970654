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
import type { AddressAdmission } from "../dns/ports.ts";
import type { LearnedSet } from "../netfilter/io/learned-set.ts";
import { MAX_COMMENT_OCTETS } from "../netfilter/wire/set-element.ts";
import type { CompiledPolicy } from "../policy/compile.ts";
import { decideAddress } from "../policy/decide-address.ts";
import { decideName } from "../policy/decide-name.ts";
import { isDomainName, type DomainName } from "../policy/domain-name.ts";
import { keyOctets, octetKey } from "./octet-key.ts";

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
export const MAX_ADDRESSES = 65_536;
/** The kernel lets go a little later than we think, for it took the address a little later. */
const EXPIRY_SKEW_MS = 1000;
/** How long the kernel keeps a revoked address. */
const REVOKED_MS = 3_600_000;
const MAX_OWNERS = 8;
/** Addresses that go in one batch: a few hundred octets each, on a socket that may have no more than 200 KiB. */
const FORGET_BATCH = 512;

interface Learned {
  /** Names that gave the address, the latest last. */
  owners: readonly DomainName[];
  /** When the kernel lets it go; 0: unknown, so it has to be written anew. */
  untilMs: number;
}

export interface ForgottenAddress {
  readonly key: Uint8Array;
  readonly owners: readonly DomainName[];
  readonly untilMs: number;
}

export interface LearnedAddresses extends AddressAdmission {
  /** Takes over what an earlier process left in the kernel. Throws LearnedSetError. */
  takeOver(): void;
  /** Takes out all that this policy would not admit, and returns it. Throws LearnedSetError; what is left is then written anew when it comes again. */
  forget(policy: CompiledPolicy): readonly ForgottenAddress[];
  /** Puts back what was forgotten and is not out of date, as far as the policy admits it. Throws LearnedSetError. */
  restore(forgotten: readonly ForgottenAddress[], policy: CompiledPolicy): void;
  /** Gives addresses that flows use a longer life, as far as they are known. Throws LearnedSetError. */
  renew(inUse: ReadonlySet<string>): void;
  readonly size: number;
}

export interface LearnedAddressesOptions {
  readonly set: LearnedSet;
  readonly nowMs: () => number;
  /** Hears why a commit failed. */
  readonly onRefused: (error: unknown) => void;
}

export function createLearnedAddresses({ set, nowMs, onRefused }: LearnedAddressesOptions): LearnedAddresses {
  const addresses = new Map<string, Learned>();
  /** Addresses that the kernel may hold as revoked, and since when, the oldest first. */
  const revoked = new Map<string, number>();
  let touched: string[] = [];

  function write(key: string, owners: readonly DomainName[], untilMs: number, timeoutMs: number): void {
    const octets = keyOctets(key);
    if (addresses.delete(key)) set.refresh(octets, Math.ceil(timeoutMs), renderOwners(owners));
    else set.add(octets, Math.ceil(timeoutMs), renderOwners(owners));
    if (revoked.delete(key)) set.pardon(octets);
    addresses.set(key, { owners, untilMs });
    touched.push(key);
  }

  /** The oldest go, two for each that comes, so that what has expired does not pile up. */
  function makeRoom(now: number): void {
    let looked = 0;
    for (const [key, { untilMs }] of addresses) {
      const isFull = addresses.size >= MAX_ADDRESSES;
      const isGone = untilMs > 0 && untilMs + EXPIRY_SKEW_MS < now;
      if (!isFull && (looked === 2 || !isGone)) return;
      addresses.delete(key);
      if (!isGone) set.remove(keyOctets(key));
      looked += 1;
    }
  }

  /** What the kernel was asked for may or may not be there: it is written anew when it is wanted again. */
  function commit(): void {
    const keys = touched;
    touched = [];
    try {
      set.commit();
    } catch (error) {
      for (const key of keys) addresses.set(key, { owners: addresses.get(key)?.owners ?? [], untilMs: 0 });
      throw error;
    }
  }

  return {
    learn(qname, octets, at, length, ttlSeconds) {
      const key = octetKey(octets, at, length);
      const now = nowMs();
      const known = addresses.get(key);
      if (known !== undefined && known.untilMs >= now + ttlSeconds * 1000 + SPARE_MS) {
        if (!known.owners.includes(qname)) known.owners = withOwner(known.owners, qname);
        return;
      }
      if (known === undefined) makeRoom(now);
      const timeoutMs = 1000 * Math.min(Math.max(ttlSeconds + SLACK_SECONDS, MIN_SECONDS), MAX_SECONDS);
      const untilMs = Math.max(now + timeoutMs, known?.untilMs ?? 0);
      write(key, withOwner(known?.owners, qname), untilMs, untilMs - now);
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
      for (const family of [4, 6] as const) {
        for (const { key, expiresInMs, comment } of set.dump(family)) {
          const owners = parseOwners(comment);
          addresses.set(octetKey(key, 0, key.length), { owners, untilMs: now + expiresInMs });
        }
      }
    },
    forget(policy) {
      const now = nowMs();
      const forgotten: ForgottenAddress[] = [];
      for (const [key, { owners, untilMs }] of addresses) {
        const octets = keyOctets(key);
        if (isAdmitted(policy, octets, owners)) continue;
        forgotten.push({ key: octets, owners, untilMs });
        set.remove(octets);
        if (forgotten.length % FORGET_BATCH === 0) set.commit();
      }
      set.commit();
      for (const { key, untilMs } of forgotten) {
        const text = octetKey(key, 0, key.length);
        addresses.delete(text);
        if (untilMs > now) revoked.set(text, now);
      }
      for (const [text, sinceMs] of revoked) {
        if (sinceMs + REVOKED_MS > now) break;
        revoked.delete(text);
      }
      return forgotten;
    },
    restore(forgotten, policy) {
      const now = nowMs();
      for (const { key, owners, untilMs } of forgotten) {
        const text = octetKey(key, 0, key.length);
        const isWanted = untilMs > now && !addresses.has(text) && isAdmitted(policy, key, owners);
        if (isWanted) write(text, owners, untilMs, untilMs - now);
      }
      commit();
    },
    renew(inUse) {
      const now = nowMs();
      for (const key of inUse) {
        const known = addresses.get(key);
        if (known === undefined || known.owners.length === 0) continue;
        const untilMs = now + IN_USE_SECONDS * 1000;
        if (known.untilMs < untilMs - RENEW_SPARE_MS) write(key, known.owners, untilMs, untilMs - now);
      }
      commit();
    },
    get size() {
      return addresses.size;
    },
  };
}

function withOwner(owners: readonly DomainName[] | undefined, qname: DomainName): readonly DomainName[] {
  if (owners === undefined) return [qname];
  return [...owners.filter((owner) => owner !== qname), qname].slice(-MAX_OWNERS);
}

/** Whether a name that owns the address is allowed, and no rule denies the address itself. */
function isAdmitted(policy: CompiledPolicy, octets: Uint8Array, owners: readonly DomainName[]): boolean {
  const { action, rule } = decideAddress(policy, octets, 0, octets.length === 4 ? 4 : 16);
  if (rule !== undefined && action === "deny") return false;
  return owners.some((owner) => decideName(policy, owner).action === "allow");
}

/** Whole names only, the latest first, as far as a comment has room: a name cut short would be another name. */
function renderOwners(owners: readonly DomainName[]): string {
  let comment = "";
  for (const owner of owners.toReversed()) {
    const longer = comment === "" ? owner : `${comment} ${owner}`;
    if (longer.length > MAX_COMMENT_OCTETS) break;
    comment = longer;
  }
  return comment;
}

function parseOwners(comment: string): readonly DomainName[] {
  return comment
    .split(" ")
    .filter(isDomainName)
    .filter((owner) => owner !== "")
    .toReversed();
}
