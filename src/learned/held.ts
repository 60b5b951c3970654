/**
 * What the kernel holds of learned addresses, and the table. At the start the table becomes what the kernel
 * holds; after drift the kernel gets what the table holds.
 */
import { NO_SLOT } from "../tables/slot-index.ts";
import type { HeldElement, LearnedSet } from "../netfilter/learned-set.ts";

import type { Steps } from "../policy/steps.ts";
import { compareHeld } from "./compare-held.ts";
import { createKeyList } from "../tables/key-list.ts";
import type { ForgottenAddress } from "./forgotten.ts";
import { parseOwners } from "./owners.ts";
import type { LearnedStore } from "./store.ts";
import type { LearnedTable } from "./table.ts";

/**
 * Addresses that go in one batch: a few hundred octets each, on a socket that may have no more than 200 KiB.
 */
const BATCH = 512;

/** Readings of a set, where each shows something that those before did not. */
const MAX_READINGS = 8;

/**
 * Fills the table from the kernel's sets, a part of a set in each step. What the table has no room for goes.
 * Throws LearnedSetError.
 */
export function* takeOverHeld(store: LearnedStore, set: LearnedSet): Steps<void> {
  for (const family of [4, 6] as const) {
    // An element that the kernel collects between two parts makes it pass over one that it has not given yet:
    // what nobody knows here would stay open, so a set of several parts is read until a reading shows nothing
    // new.
    for (let readings = 1; readings <= MAX_READINGS; readings++) {
      const { parts, added } = yield* readOnce(store, set, family);
      if (parts < 2 || added === 0) break;
    }
  }
}

function* readOnce(
  { table, commit, clock }: LearnedStore,
  set: LearnedSet,
  family: 4 | 6,
): Steps<{ readonly parts: number; readonly added: number }> {
  const surplus = createKeyList();
  const before = table.size();
  let parts = 0;
  for (const part of set.dump(family)) {
    const nowMs = clock();
    for (const element of part) if (!takeOne(table, element, nowMs)) surplus.add(element.key);
    if (part.length > 0) parts += 1;
    yield;
  }
  // Once all is read, for until then nothing may be queued.
  let count = 0;
  surplus.forEach((key) => {
    set.remove(key);
    if (++count % BATCH === 0) commit();
  });
  commit();
  return { parts, added: table.size() - before };
}

/** Makes the kernel hold what is wanted, and nothing else. Throws LearnedSetError. */
export function reconcileHeld(
  { table, prolong, commit, clock }: LearnedStore,
  set: LearnedSet,
  wanted: readonly ForgottenAddress[],
): void {
  const nowMs = clock();
  const held = [...set.dump(4), ...set.dump(6)].flat();
  const { unwanted, lost } = compareHeld(held, wanted, nowMs);
  unwanted.forEach((key, index) => {
    set.remove(key);
    if (index % BATCH === 0) commit();
  });
  lost.forEach(({ key, untilMs }, index) => {
    const slot = table.find(key, 0, key.length);
    if (slot !== NO_SLOT) prolong(slot, untilMs, nowMs);
    if (index % BATCH === 0) commit();
  });
}

/** False if there is no room. What is read twice is taken once. */
function takeOne(table: LearnedTable, { key, expiresInMs, comment }: HeldElement, nowMs: number): boolean {
  const { length } = key;
  if (table.find(key, 0, length) !== NO_SLOT) return true;
  if (!table.hasRoom()) return false;
  const untilMs = nowMs + expiresInMs;
  const slot = table.add({ octets: key, at: 0, length, wildcard: undefined, untilMs, nowMs });
  for (const owner of parseOwners(comment).toReversed()) table.addOwner(slot, owner);
  return true;
}
