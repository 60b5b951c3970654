/**
 * Addresses that a change has denied: each belonged to names of which none is allowed any more. The kernel
 * keeps them for an hour. Hosts there may not call in meanwhile, and where the default action allows, nothing
 * may go there either: a denied name takes its addresses with it.
 *
 * An address leaves early when an allowed name gives it, or when a change allows one of its names again.
 * Known limits: what was forgotten before the change is not known, so not revoked; there are {@link
 * MAX_REVOKED} at most, of which the one denied longest ago goes first.
 */
import type { LearnedSet } from "../netfilter/learned-set.ts";

import type { Steps } from "../policy/steps.ts";
import { keyOctets, octetKey } from "../tables/octet-key.ts";
import { parseOwners } from "./owners.ts";

const REVOKED_MS = 3_600_000;
const MAX_REVOKED = 65_536;
/** Addresses that are looked at in a step: each may take two microseconds. */
const STEP = 128;

interface Revoked {
  readonly owners: string;
  readonly untilMs: number;
}

/** Queues what has to be told to the kernel; it is in force with the set's next commit. */
export interface RevokedAddresses {
  /**
   * Takes over what an earlier process left, and queues what is known and missing. Throws LearnedSetError.
   */
  takeOver(): void;
  /**
   * Somebody else has changed the sets: queues what makes them hold what they should, and nothing else.
   * Throws LearnedSetError.
   */
  reconcile(): void;
  list(): readonly Uint8Array[];
  revoke(key: Uint8Array, owners: string): void;
  /** Nothing if it is not there. */
  unrevoke(key: Uint8Array): void;
  /** Unrevokes all that are admitted, some in each step. */
  unrevokeWhere(isAdmitted: (key: Uint8Array, owners: string) => boolean): Steps<void>;
  has(key: Uint8Array): boolean;
  /** Names that gave it, the latest first; none if it is not there. */
  namesOf(key: Uint8Array): readonly string[];
}

export function createRevokedAddresses(set: LearnedSet, clock: () => number): RevokedAddresses {
  /** By the address's octets, the one denied longest ago first. */
  const revoked = new Map<string, Revoked>();

  function dropOld(nowMs: number): void {
    for (const [text, { untilMs }] of revoked) {
      const isGone = untilMs <= nowMs;
      if (!isGone && revoked.size < MAX_REVOKED) return;
      revoked.delete(text);
      if (!isGone) set.unrevoke(keyOctets(text));
    }
  }

  return {
    takeOver() {
      const nowMs = clock();
      const held = [...set.dumpRevoked(4), ...set.dumpRevoked(6)].flat();
      const missing = new Map(revoked);
      for (const { key, expiresInMs, comment } of held) {
        const text = octetKey(key, 0, key.length);
        if (missing.delete(text)) continue;
        revoked.set(text, { owners: comment, untilMs: nowMs + expiresInMs });
      }
      for (const [text, { owners, untilMs }] of missing) {
        if (untilMs > nowMs) set.revoke(keyOctets(text), Math.ceil(untilMs - nowMs), owners);
      }
    },
    reconcile() {
      const nowMs = clock();
      const held = [...set.dumpRevoked(4), ...set.dumpRevoked(6)].flat();
      for (const { key } of held) if (!revoked.has(octetKey(key, 0, key.length))) set.unrevoke(key);
      for (const [text, { owners, untilMs }] of revoked) {
        if (untilMs > nowMs) set.revoke(keyOctets(text), Math.ceil(untilMs - nowMs), owners);
      }
    },
    list: () => Array.from(revoked.keys(), keyOctets),
    revoke(key, owners) {
      const nowMs = clock();
      const text = octetKey(key, 0, key.length);
      dropOld(nowMs);
      revoked.delete(text);
      revoked.set(text, { owners, untilMs: nowMs + REVOKED_MS });
      set.revoke(key, REVOKED_MS, owners);
    },
    unrevoke(key) {
      if (revoked.size > 0 && revoked.delete(octetKey(key, 0, key.length))) set.unrevoke(key);
    },
    *unrevokeWhere(isAdmitted) {
      dropOld(clock());
      let looked = 0;
      for (const [text, { owners }] of revoked) {
        if (++looked % STEP === 0) yield;
        const key = keyOctets(text);
        if (!isAdmitted(key, owners)) continue;
        revoked.delete(text);
        set.unrevoke(key);
      }
    },
    has: (key) => revoked.has(octetKey(key, 0, key.length)),
    namesOf: (key) => parseOwners(revoked.get(octetKey(key, 0, key.length))?.owners ?? ""),
  };
}
