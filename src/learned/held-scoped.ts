/**
 * What the kernel's sets hold of addresses to which not every flow may go. A start takes it over, and it is
 * put right after others have changed it.
 */
import { flowsOfPieces } from "../netfilter/ranges/flow-pieces.ts";
import type { FlowElement, HeldFlowElement, LearnedSet } from "../netfilter/learned-set.ts";
import { EVERY_FLOW } from "../policy/flow-set.ts";
import { NO_SLOT } from "../tables/slot-index.ts";
import { octetKey } from "../tables/octet-key.ts";
import { parseOwners } from "./owners.ts";
import type { LearnedStore } from "./store.ts";

const FAMILIES = [4, 6] as const;
const VERDICTS = ["allow", "deny"] as const;

/**
 * Fills the table from the sets, after the addresses that every flow may go to. False if there are no such
 * sets. Throws LearnedSetError.
 */
export function takeOverScoped(store: LearnedStore, set: LearnedSet): boolean {
  let areThere = true;
  for (const family of FAMILIES) {
    const held = readHeld(set, family);
    areThere &&= held !== undefined;
    for (const elements of Map.groupBy(held ?? [], ({ key }) => octetKey(key, 0, key.length)).values())
      takeOne(store, set, elements);
  }
  store.commit();
  return areThere;
}

/** Makes the kernel hold what is wanted, and nothing else. Throws LearnedSetError. */
export function reconcileScoped(
  { table, scoped, prolong, commit, clock }: LearnedStore,
  set: LearnedSet,
): void {
  for (const family of FAMILIES) {
    for (const { key, verdict, piece } of readHeld(set, family) ?? [])
      if (scoped.flowsOf(key) === undefined) set.removePiece(key, { verdict, piece });
      else scoped.alsoHeld(key, { verdict, piece });
    commit();
  }
  const nowMs = clock();
  for (const key of scoped.keys()) {
    const slot = table.find(key, 0, key.length);
    if (slot === NO_SLOT) scoped.drop(key);
    else if (table.wantedUntilMs(slot) > nowMs) prolong(slot, table.wantedUntilMs(slot), nowMs);
  }
  commit();
}

type Held = HeldFlowElement & FlowElement;

function readHeld(set: LearnedSet, family: 4 | 6): readonly Held[] | undefined {
  const found: Held[] = [];
  for (const verdict of VERDICTS) {
    const held = set.dumpPieces(family, verdict);
    if (held === undefined) return undefined;
    found.push(...held.map((element) => ({ ...element, verdict })));
  }
  return found;
}

/** The elements of one address. */
function takeOne({ table, scoped, clock }: LearnedStore, set: LearnedSet, elements: readonly Held[]): void {
  const [first] = elements;
  if (first === undefined) return;
  const { key } = first;
  const octets = key.length === 4 ? 4 : 16;
  const held = elements.map(({ verdict, piece }) => ({ verdict, piece }));
  const known = table.find(key, 0, octets);
  if (known !== NO_SLOT) {
    // Every flow may go there, as far as the kernel is concerned: both are taken out together.
    scoped.adopt(key, EVERY_FLOW, held);
    return;
  }
  if (!table.hasRoom()) {
    for (const one of held) set.removePiece(key, one);
    return;
  }
  const nowMs = clock();
  const untilMs = nowMs + Math.min(...elements.map(({ expiresInMs }) => expiresInMs));
  const slot = table.add({ octets: key, at: 0, length: octets, wildcard: undefined, untilMs, nowMs });
  for (const owner of parseOwners(first.comment).toReversed()) table.addOwner(slot, owner);
  const allowed = held.filter(({ verdict }) => verdict === "allow").map(({ piece }) => piece);
  scoped.adopt(key, flowsOfPieces(allowed, octets), held);
}
