import { type RuledPrefix, buildIntervals } from "./build-intervals.ts";
import type { Decision, Layer } from "./decision.ts";
import type { IntervalMap } from "./intervals.ts";
import type { PolicyLayers } from "./layers.ts";
import { type NameIndex, buildNameIndex } from "./name-index.ts";
import type { Rule } from "./rule.ts";

/**
 * All layers in one list, `deny.always`, `allow.always`, the user's rules, made ready to decide: the first match in that order
 * decides, for names and for addresses alike, and `fallback` what no rule matches. The built-in protections are not in it.
 */
export interface CompiledPolicy {
  /** Positions in `decisions`. */
  readonly names: NameIndex;
  readonly addresses: { readonly v4: IntervalMap; readonly v6: IntervalMap };
  /** One for each rule of the list, in its order. */
  readonly decisions: readonly RuledDecision[];
  readonly fallback: Decision;
}

/** A decision that a rule made. */
interface RuledDecision extends Decision {
  readonly rule: Rule;
}

/** Compiles all layers. O(n log n) in their rules. */
export function compilePolicy(layers: PolicyLayers): CompiledPolicy {
  const decisions = listDecisions(layers);
  const fallback = Object.freeze({
    action: layers.user.defaultAction,
    layer: "default" as const,
    rule: undefined,
  });
  return {
    names: buildNameIndex(decisions.map(({ rule }) => rule.target)),
    addresses: {
      v4: buildIntervals(1, rulesOfFamily(decisions, 4), fallback),
      v6: buildIntervals(4, rulesOfFamily(decisions, 6), fallback),
    },
    decisions,
    fallback,
  };
}

function listDecisions({ denyAlways, allowAlways, user }: PolicyLayers): readonly RuledDecision[] {
  return [
    ...denyAlways.map((target) => ruled("deny.always", { action: "deny", target })),
    ...allowAlways.map((target) => ruled("allow.always", { action: "allow", target })),
    ...user.egress.map((rule) => ruled("user", rule)),
  ];
}

function ruled(layer: Layer, rule: Rule): RuledDecision {
  return Object.freeze({ action: rule.action, layer, rule });
}

function rulesOfFamily(decisions: readonly RuledDecision[], family: 4 | 6): readonly RuledPrefix[] {
  const prefixes: RuledPrefix[] = [];
  for (const decision of decisions) {
    const { target } = decision.rule;
    if (target.kind === "prefix" && target.prefix.family === family)
      prefixes.push({ prefix: target.prefix, decision });
  }
  return prefixes;
}
