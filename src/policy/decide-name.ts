import { holdsApp, type Spoken } from "./app.ts";
import type { CompiledPolicy } from "./compile.ts";
import type { Decision, RankedDecision } from "./decision.ts";
import type { DomainName } from "./domain-name.ts";
import { type FlowKind, type FlowSet, holdsFlow, NO_FLOWS, unionOf } from "./flow-set.ts";
import type { RuleTrie } from "./rule-trie.ts";
import { findFirstAllow, partFlows, type ScopedMatch, sortMatches } from "./scoped-matches.ts";
import { bitBelowName, bitOfName, isBelowName, matchesName } from "./target-bits.ts";

/**
 * Which rule decides a name; `rule: undefined` means the default action did. A name is allowed if some flow
 * to it may pass, by the first rule that lets one pass. The cost grows with the logarithm of the number of
 * names, once for each scope: the search visits only places where names part. It allocates nothing if no rule
 * has a scope.
 */
export function decideName(policy: CompiledPolicy, qname: DomainName): Decision {
  const found = findDecision(policy.rules.names, qname);
  const decision = found ?? policy.fallback;
  if (policy.scoped.length === 0 || decision.action === "allow") return decision;
  return findFirstAllow(scopedMatches(policy, qname), found?.rank) ?? decision;
}

/** Which rule decides a flow to the name, whatever address it goes to. */
export function decideNameFlow(policy: CompiledPolicy, qname: DomainName, flow: FlowKind): Decision {
  let found = findDecision(policy.rules.names, qname);
  for (const { flows, app, rules } of policy.scoped) {
    const other =
      holdsFlow(flows, flow) && holdsApp(app, flow.app) ? findDecision(rules.names, qname) : undefined;
    if (other !== undefined && (found === undefined || other.rank < found.rank)) found = other;
  }
  return found ?? policy.fallback;
}

/**
 * Which rule decides a TCP connection that shows this name at this port; `app` is what it speaks, undefined
 * if nobody has asked. All code that judges shown names asks here.
 */
export function decideShownName(
  policy: CompiledPolicy,
  name: DomainName,
  port: number,
  app?: Spoken,
): Decision {
  return decideNameFlow(policy, name, { protocol: "tcp", port, app });
}

/**
 * The flows that rules for names let pass to this one's addresses; undefined means every flow. Rules for
 * every destination are not asked: they decide by the address, as address rules do.
 */
export function flowsOfName(policy: CompiledPolicy, qname: DomainName): FlowSet | undefined {
  const found = findDecision(policy.rules.names, qname);
  const isAllowed = (found ?? policy.fallback).action === "allow";
  const matches = scopedMatches(policy, qname).filter(
    ({ decision }) => decision.rule.target.kind !== "everywhere",
  );
  if (matches.length === 0) return isAllowed ? undefined : NO_FLOWS;
  const { decided, rest } = partFlows(matches, found?.rank);
  if (isAllowed && decided.every(({ decision }) => decision.action === "allow")) return undefined;
  return decided
    .filter(({ decision }) => decision.action === "allow")
    .reduce((all, { flows }) => unionOf(all, flows), isAllowed ? rest : NO_FLOWS);
}

/**
 * The rules with a scope that say which flows to the name pass, in the order in which they decide. It leaves
 * out rules behind one without a scope, and rules for every destination.
 */
export function scopedRulesOf(policy: CompiledPolicy, qname: DomainName): readonly RankedDecision[] {
  if (policy.scoped.length === 0) return [];
  const base = findDecision(policy.rules.names, qname);
  return scopedMatches(policy, qname)
    .map(({ decision }) => decision)
    .filter(
      ({ rule, rank }) => rule.target.kind !== "everywhere" && (base === undefined || rank < base.rank),
    );
}

function scopedMatches({ scoped }: CompiledPolicy, qname: DomainName): readonly ScopedMatch[] {
  return sortMatches(
    scoped.flatMap(({ flows, rules }) => {
      const decision = findDecision(rules.names, qname);
      return decision === undefined ? [] : [{ flows, decision }];
    }),
  );
}

function findDecision(trie: RuleTrie, qname: DomainName): RankedDecision | undefined {
  let found: RankedDecision | undefined;
  const end = 8 * (qname.length + 1);
  for (let node = trie; node !== undefined && node.bits <= end;) {
    const { own, sample } = node;
    // The search compares single bits, so a rule on its way may be another name's.
    if (own !== undefined && (found === undefined || own.rank < found.rank)) {
      if (matchesName(sample, qname)) found = own;
    }
    node = bitOfName(qname, node.bits) === 0 ? node.zero : node.one;
  }
  return found;
}

/**
 * Whether some name below this one may be allowed: a rule allows such a name, or names without a rule of
 * their own are allowed. "No such name" of this one would deny that one, too (RFC 8020). All names are below
 * the root. It costs as much as a decision, and allocates nothing.
 */
export function allowsBelow(policy: CompiledPolicy, qname: DomainName): boolean {
  if (qname === "" || allowsBelowIn(policy.rules.names, policy.fallback, qname)) return true;
  // It does not ask whether a rule of another scope stands before that one: "no data" is never wrong.
  return policy.scoped.some(({ rules }) => allowsBelowIn(rules.names, DENIED, qname));
}

const DENIED: Decision = Object.freeze({ action: "deny", layer: "default", rule: undefined });

function allowsBelowIn(trie: RuleTrie, fallback: Decision, qname: DomainName): boolean {
  let found: RankedDecision | undefined;
  const end = 8 * (qname.length + 1);
  let node = trie;
  while (node !== undefined && node.bits < end) {
    if (node.sample.kind !== "name" && matchesName(node.sample, qname)) found = first(found, node.own);
    node = bitBelowName(qname, node.bits) === 0 ? node.zero : node.one;
  }
  if (node !== undefined && isBelowName(node.sample, qname)) {
    if (node.allows) return true;
    // The wildcard of this very name, which does not match the name itself.
    if (node.bits === end) found = first(found, node.own);
  }
  return (found ?? fallback).action === "allow";
}

/** The match that decides. */
function first(
  one: RankedDecision | undefined,
  other: RankedDecision | undefined,
): RankedDecision | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.rank < other.rank ? one : other;
}
