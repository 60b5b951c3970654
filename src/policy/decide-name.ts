import type { CompiledPolicy } from "./compile.ts";
import type { Decision, RankedDecision } from "./decision.ts";
import type { DomainName } from "./domain-name.ts";
import { bitBelowName, bitOfName, isBelowName, matchesName } from "./target-bits.ts";

/**
 * Which rule decides a name; `rule: undefined` means the default action did. Cost grows with the places where names of the policy part
 * on the way to this one: with the logarithm of their number. Allocates nothing.
 */
export function decideName(policy: CompiledPolicy, qname: DomainName): Decision {
  let found: RankedDecision | undefined;
  const end = 8 * (qname.length + 1);
  for (let node = policy.rules.names; node !== undefined && node.bits <= end;) {
    const { own, sample } = node;
    // The way is chosen by single bits, so a rule that stands on it may still be another name's.
    if (own !== undefined && (found === undefined || own.rank < found.rank)) {
      if (matchesName(sample, qname)) found = own;
    }
    node = bitOfName(qname, node.bits) === 0 ? node.zero : node.one;
  }
  return found ?? policy.fallback;
}

/**
 * Whether some name below this one may be allowed, so that to say "no such name" of it would be to say so of that one, too (RFC 8020): because a
 * rule allows such a name, or what decides for all those that no rule names does. The root has all names below it. Costs as much
 * as to decide, and allocates nothing.
 */
export function allowsBelow(policy: CompiledPolicy, qname: DomainName): boolean {
  if (qname === "") return true;
  let found: RankedDecision | undefined;
  const end = 8 * (qname.length + 1);
  let node = policy.rules.names;
  while (node !== undefined && node.bits < end) {
    if (node.sample.kind === "wildcard" && matchesName(node.sample, qname)) found = first(found, node.own);
    node = bitBelowName(qname, node.bits) === 0 ? node.zero : node.one;
  }
  if (node !== undefined && isBelowName(node.sample, qname)) {
    if (node.allows) return true;
    // The wildcard of this very name, which does not match the name itself.
    if (node.bits === end) found = first(found, node.own);
  }
  return (found ?? policy.fallback).action === "allow";
}

/** The one that decides. */
function first(
  one: RankedDecision | undefined,
  other: RankedDecision | undefined,
): RankedDecision | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.rank < other.rank ? one : other;
}
