/** Every rule that matches a name or an address, in the order in which the policy asks them. */
import { asksForApp, holdsApp } from "./app.ts";
import type { CompiledPolicy } from "./compile.ts";
import type { Layer, RankedDecision } from "./decision.ts";
import type { PolicyLayers } from "./layers.ts";
import { EVERY_FLOW, type FlowKind, type FlowSet, holdsFlow, isNone, minus } from "./flow-set.ts";
import { type Action, describeRule, type Rule, ruleKey } from "./rule.ts";
import { flowsOfScope } from "./scope.ts";
import { listMatches } from "./rule-trie.ts";
import { countBits } from "./target-bits.ts";
import type { Target } from "./target.ts";

export interface ExplainedMatch {
  readonly layer: Layer;
  readonly action: Action;
  readonly target: string;
  /** Its place in its list, from 1. */
  readonly position: number;
  readonly decides: boolean;
  /** The target of an earlier rule that matches all that this one does: this one never decides. */
  readonly shadowedBy?: string;
}

/**
 * The matches, of which the first decides. Of rules with a scope it takes those that speak of the flow, or,
 * without a flow, all. Linear in the layers' rules, because of the positions.
 */
export function explainMatches(
  compiled: CompiledPolicy,
  layers: PolicyLayers,
  target: Target,
  flow?: FlowKind,
): readonly ExplainedMatch[] {
  const space = spaceOf(target);
  const groups = compiled.scoped.filter(
    ({ flows, app }) => flow === undefined || (holdsFlow(flows, flow) && holdsApp(app, flow.app)),
  );
  const matches = [compiled, ...groups]
    .flatMap(({ rules }) => listMatches(rules[space], target))
    .toSorted((one, other) => one.rank - other.rank);
  return matches.map((match, index) => {
    const { layer, action, rule } = match;
    const shadow = matches.slice(0, index).find((earlier) => covers(earlier, match));
    return {
      layer,
      action,
      target: describeRule(rule),
      position: positionOf(match, layers),
      decides: index === 0,
      ...(shadow === undefined ? {} : { shadowedBy: describeRule(shadow.rule) }),
    };
  });
}

/** The first rule for the target that asks what is spoken, of those that speak of the flow, or of any. */
export function findAskingMatch(
  { scoped }: Pick<CompiledPolicy, "scoped">,
  target: Target,
  flow?: FlowKind,
): Rule | undefined {
  return scoped
    .filter(({ flows, app }) => asksForApp(app) && (flow === undefined || holdsFlow(flows, flow)))
    .flatMap(({ rules }) => listMatches(rules[spaceOf(target)], target))
    .toSorted((one, other) => one.rank - other.rank)[0]?.rule;
}

function spaceOf(target: Target): keyof CompiledPolicy["rules"] {
  if (target.kind !== "prefix") return "names";
  return target.prefix.family === 4 ? "v4" : "v6";
}

/**
 * Whether one match covers the other, flows included. Both lie on one way down the trie, so fewer bits cover
 * more; a name covers only itself.
 */
function covers({ rule: one }: RankedDecision, { rule: other }: RankedDecision): boolean {
  if (one.target.kind === "name" && other.target.key !== one.target.key) return false;
  if (countBits(one.target) > countBits(other.target)) return false;
  if (one.scope === undefined) return true;
  // It does not compare what two rules for requests cover.
  if (one.scope.http !== undefined) return false;
  if (asksForApp(one.scope.app) && other.scope?.app !== one.scope.app) return false;
  return other.scope !== undefined && isNone(minus(flowsOf(other), flowsOf(one)));
}

function flowsOf({ action, scope }: Rule): FlowSet {
  return scope === undefined ? EVERY_FLOW : flowsOfScope(action, scope);
}

function positionOf(
  { layer, rule }: RankedDecision,
  { denyAlways, allowAlways, user }: PolicyLayers,
): number {
  const { key } = rule.target;
  if (layer === "deny.always") return 1 + denyAlways.findIndex((target) => target.key === key);
  if (layer === "allow.always") return 1 + allowAlways.findIndex((target) => target.key === key);
  return 1 + user.egress.findIndex((one) => one === rule || ruleKey(one) === ruleKey(rule));
}
