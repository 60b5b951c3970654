/**
 * All layers made ready to decide: `deny.always`, `allow.always`, the user's rules. The first match in that
 * order decides, for names and for addresses alike. Ranks stand for the order. A rule that goes before all
 * others of the user gets a lower rank than they have, so no other rule changes. The built-in protections are
 * not in it.
 *
 * Rules with a scope stand beside the others, grouped by scope: a policy without any pays nothing for them. A
 * rule with `http` stands here as what it means for flows.
 */
import { type App, asksForApp } from "./app.ts";
import type { Decision, Layer, RankedDecision } from "./decision.ts";
import { firstRulesSteps, type Removal, replacedBy } from "./edit.ts";
import { type FlowSet, holdsFlow } from "./flow-set.ts";
import { flowsOfHttp, type IsRead, NONE_READ, speaksOfRequests } from "./http-flows.ts";
import type { PolicyLayers } from "./layers.ts";
import type { Rule } from "./rule.ts";
import { type RuleTrie, findRule, putRule, putRuleInPlace, takeRule } from "./rule-trie.ts";
import { flowsOfScope, type Scope } from "./scope.ts";
import { type Steps, runToEnd } from "./steps.ts";
import type { RuleTarget } from "./target.ts";

/** A value: a change makes a new one and copies only what it changes. Both can decide. */
export interface CompiledPolicy {
  /** Those without a scope. */
  readonly rules: RuleTries;
  readonly scoped: readonly ScopedRules[];
  /** The default action. */
  readonly fallback: Decision;
  /** No rule of the user has a lower rank. */
  readonly lowestRank: number;
  /** The layers, if a rule speaks of requests; such a policy is never made from another one. */
  readonly requests: PolicyLayers | undefined;
  /**
   * The policy that this one stands in for: audit mode enforces only the operator's denials, see
   * `compile-audit.ts`.
   */
  readonly audits: CompiledPolicy | undefined;
}

/** What targets speak of; a name or an address is looked up in one of them. */
export type TargetSpace = "names" | "v4" | "v6";

type RuleTries = Readonly<Record<TargetSpace, RuleTrie>>;

/** Rules that speak of the same flows. Those for every destination stand apart, in all three tries. */
export interface ScopedRules {
  readonly id: string;
  /** Of their scopes: there may be two, since a deny may speak of more flows than an allow. */
  readonly key: string;
  readonly flows: FlowSet;
  /** What has to be spoken, if they say so: such rules only allow. */
  readonly app: App | undefined;
  readonly rules: RuleTries;
}

/** Always-rules stand before any rank that the user can reach. */
const FIRST_RANK = Number.MIN_SAFE_INTEGER;
const NO_RULES: RuleTries = { names: undefined, v4: undefined, v6: undefined };
const SPACES: readonly TargetSpace[] = ["names", "v4", "v6"];

/** Whether what connections speak decides over some of them; audit mode holds none back. */
export function asksForApps({ scoped, audits }: CompiledPolicy): boolean {
  return audits === undefined && scoped.some(({ app }) => asksForApp(app));
}

/** Whether what a TCP connection to the port speaks may decide over it. */
export function asksAt({ scoped }: CompiledPolicy, port: number): boolean {
  return scoped.some(({ app, flows }) => asksForApp(app) && holdsFlow(flows, { protocol: "tcp", port }));
}

/** Compiles all layers in one go. */
export function compilePolicy(layers: PolicyLayers): CompiledPolicy {
  return runToEnd(compileSteps(layers));
}

/**
 * Compiles all layers, a step for each rule: O(n log n) in all. It asks `isRead` about rules with `http`. By
 * default no host's requests are read, and such rules deny.
 */
export function* compileSteps(layers: PolicyLayers, isRead: IsRead = NONE_READ): Steps<CompiledPolicy> {
  const { denyAlways, allowAlways, user } = layers;
  const rules = { ...NO_RULES };
  let scoped: readonly ScopedRules[] = [];
  let rank = FIRST_RANK;
  for (const target of denyAlways) {
    addRule(rules, ranked("deny.always", { action: "deny", target }, rank++));
    yield;
  }
  for (const target of allowAlways) {
    addRule(rules, ranked("allow.always", { action: "allow", target }, rank++));
    yield;
  }
  for (const [position, rule] of user.egress.entries()) {
    const added = ranked("user", rule, position);
    if (rule.scope === undefined) addRule(rules, added);
    else if (rule.scope.http === undefined) scoped = withScoped(scoped, rule.scope, added);
    else scoped = withHttp(scoped, rule.scope, added, isRead);
    yield;
  }
  const fallback = Object.freeze({ action: user.defaultAction, layer: "default" as const, rule: undefined });
  const requests = speaksOfRequests(user.egress) ? layers : undefined;
  return { rules, scoped, fallback, lowestRank: 0, requests, audits: undefined };
}

/**
 * Does what `mergeRulesSteps` does to the list. These rules go first, in their order; of equal keys the first
 * one counts. They replace the user's own rules with these keys; a new rule without a scope replaces all of
 * its target. O(log n) a rule.
 */
export function* mergeSteps(policy: CompiledPolicy, added: readonly Rule[]): Steps<CompiledPolicy> {
  const firsts = yield* firstRulesSteps(added);
  let { rules, scoped, lowestRank } = policy;
  for (const rule of scoped.length > 0 ? firsts : []) {
    scoped = withoutScoped(scoped, replacedBy(rule));
    yield;
  }
  // From the last to the first: each goes before all others.
  for (const rule of firsts.toReversed()) {
    const next = ranked("user", rule, --lowestRank);
    if (rule.scope === undefined) rules = withRule(rules, next);
    else scoped = withScoped(scoped, rule.scope, next);
    yield;
  }
  return { ...policy, rules, scoped, lowestRank };
}

/** As `removeRulesSteps` does to the list. O(log n) a removal. */
export function* removalSteps(policy: CompiledPolicy, removals: readonly Removal[]): Steps<CompiledPolicy> {
  let { rules, scoped } = policy;
  for (const removal of removals) {
    if (removal.kind !== "rule") rules = withoutUsers(rules, removal);
    else if (removal.scope === undefined) rules = withoutUsers(rules, removal.target);
    if (scoped.length > 0) scoped = withoutScoped(scoped, removal);
    yield;
  }
  return { ...policy, rules, scoped };
}

/** Where a target is looked up: one for every destination stands in all three. */
function spacesOf(target: RuleTarget): readonly TargetSpace[] {
  if (target.kind === "everywhere") return SPACES;
  if (target.kind !== "prefix") return ["names"];
  return target.prefix.family === 4 ? ["v4"] : ["v6"];
}

function addRule(rules: Record<TargetSpace, RuleTrie>, added: RankedDecision): void {
  for (const space of spacesOf(added.rule.target)) rules[space] = putRuleInPlace(rules[space], added);
}

function withRule(rules: RuleTries, added: RankedDecision): RuleTries {
  const next = { ...rules };
  for (const space of spacesOf(added.rule.target)) next[space] = putRule(next[space], added);
  return next;
}

function withoutUsers(rules: RuleTries, target: RuleTarget): RuleTries {
  const next = { ...rules };
  for (const space of spacesOf(target))
    if (findRule(next[space], target)?.layer === "user") next[space] = takeRule(next[space], target);
  return next;
}

function withScoped(
  all: readonly ScopedRules[],
  scope: Scope,
  added: RankedDecision,
): readonly ScopedRules[] {
  const { target } = added.rule;
  const flows = flowsOfScope(added.action, scope);
  const isWide = flows.udp.length > 0 && scope.protocol === "tcp";
  const id = `${target.kind === "everywhere" ? "* " : ""}${isWide ? "udp+" : ""}${scope.key}`;
  const at = all.findIndex((group) => group.id === id);
  const group = all[at] ?? { id, key: scope.key, flows, app: scope.app, rules: NO_RULES };
  return at < 0
    ? [...all, { ...group, rules: withRule(group.rules, added) }]
    : all.with(at, { ...group, rules: withRule(group.rules, added) });
}

function withHttp(
  all: readonly ScopedRules[],
  scope: Scope,
  { layer, rule, rank }: RankedDecision,
  isRead: IsRead,
): readonly ScopedRules[] {
  return flowsOfHttp(rule, scope, isRead).reduce(
    (groups, part) =>
      withScoped(groups, part.scope, Object.freeze({ action: part.action, layer, rule, rank })),
    all,
  );
}

/** Without the rules of the target, of one scope or all. If it has none, the very same value. */
function withoutScoped(all: readonly ScopedRules[], removal: Removal): readonly ScopedRules[] {
  const target = removal.kind === "rule" ? removal.target : removal;
  let isChanged = false;
  const left = all.map((group) => {
    if (removal.kind === "rule" && group.key !== removal.scope?.key) return group;
    const rules = withoutUsers(group.rules, target);
    if (SPACES.every((space) => rules[space] === group.rules[space])) return group;
    isChanged = true;
    return { ...group, rules };
  });
  if (!isChanged) return all;
  return left.filter(({ rules }) => SPACES.some((space) => rules[space] !== undefined));
}

function ranked(layer: Layer, rule: Rule, rank: number): RankedDecision {
  return Object.freeze({ action: rule.action, layer, rule, rank });
}
