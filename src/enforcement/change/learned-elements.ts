/** What was learned, as elements that a ruleset's transaction is to put into the kernel's sets. */
import type { ForgottenAddress } from "../../learned/forgotten.ts";
import { renderOwners } from "../../learned/owners.ts";
import { piecesOf, renderPiece } from "../../netfilter/ranges/flow-pieces.ts";
import type { RulesetInput } from "../../netfilter/ruleset-input.ts";
import type { TimedElement } from "../../netfilter/ruleset.ts";
import { renderAddress, renderIpv6 } from "../../policy/address.ts";

/** Those that every flow may go to, so that none of theirs is judged without them. */
export function listLearned(all: readonly ForgottenAddress[], nowMs: number): RulesetInput["restore"] {
  const lists: { v4: TimedElement[]; v6: TimedElement[] } = { v4: [], v6: [] };
  for (const { key, owners, untilMs, flows } of all) {
    const timeoutSeconds = Math.ceil((untilMs - nowMs) / 1000);
    if (timeoutSeconds <= 0 || flows !== undefined) continue;
    const family = key.length === 4 ? "v4" : "v6";
    lists[family].push({ address: renderKey(key), timeoutSeconds, comment: renderOwners(owners) });
  }
  return lists;
}

/**
 * The same of those that not every flow may go to. What does not pass is said once the ruleset is in force.
 */
export function listFlows(all: readonly ForgottenAddress[], nowMs: number): RulesetInput["restore"] {
  const lists: { v4: TimedElement[]; v6: TimedElement[] } = { v4: [], v6: [] };
  for (const { key, owners, untilMs, flows } of all) {
    const timeoutSeconds = Math.ceil((untilMs - nowMs) / 1000);
    if (timeoutSeconds <= 0 || flows === undefined) continue;
    for (const piece of piecesOf(flows, key.length === 4 ? 4 : 16)) {
      const address = `${renderKey(key)} . ${renderPiece(piece)}`;
      lists[key.length === 4 ? "v4" : "v6"].push({ address, timeoutSeconds, comment: renderOwners(owners) });
    }
  }
  return lists;
}

export function listByFamily(keys: readonly Uint8Array[]): { v4: string[]; v6: string[] } {
  const lists: { v4: string[]; v6: string[] } = { v4: [], v6: [] };
  for (const key of keys) lists[key.length === 4 ? "v4" : "v6"].push(renderKey(key));
  return lists;
}

function renderKey(key: Uint8Array): string {
  return key.length === 4 ? renderAddress(key) : renderIpv6(key);
}
