/** Every rule that matches a name or an address, in the order in which they are asked. */
import type { CompiledPolicy } from "./compile.ts";
import type { Layer, RankedDecision } from "./decision.ts";
import type { PolicyLayers } from "./layers.ts";
import type { Action } from "./rule.ts";
import { listMatches } from "./rule-trie.ts";
import { countBits } from "./target-bits.ts";
import type { Target } from "./target.ts";

export interface ExplainedMatch {
  readonly layer: Layer;
  readonly action: Action;
  readonly target: string;
  /** In its list, from 1. */
  readonly position: number;
  readonly decides: boolean;
  /** The target of an earlier rule that matches all that this one does: it never decides. */
  readonly shadowedBy?: string;
}

/** The first decides. Linear in the layers' rules, for the positions. */
export function explainMatches(
  compiled: CompiledPolicy,
  layers: PolicyLayers,
  target: Target,
): readonly ExplainedMatch[] {
  const matches = listMatches(compiled.rules[spaceOf(target)], target);
  return matches.map((match, index) => {
    const { layer, action, rule } = match;
    const shadow = matches.slice(0, index).find((earlier) => covers(earlier, match));
    return {
      layer,
      action,
      target: rule.target.text,
      position: positionOf(match, layers),
      decides: index === 0,
      ...(shadow === undefined ? {} : { shadowedBy: shadow.rule.target.text }),
    };
  });
}

function spaceOf(target: Target): keyof CompiledPolicy["rules"] {
  if (target.kind !== "prefix") return "names";
  return target.prefix.family === 4 ? "v4" : "v6";
}

/** Both lie on one way down the trie, so that fewer bits hold more; a name holds only itself. */
function covers(
  { rule: { target: one } }: RankedDecision,
  { rule: { target: other } }: RankedDecision,
): boolean {
  return one.kind !== "name" && countBits(one) <= countBits(other);
}

function positionOf(
  { layer, rule }: RankedDecision,
  { denyAlways, allowAlways, user }: PolicyLayers,
): number {
  const { key } = rule.target;
  if (layer === "deny.always") return 1 + denyAlways.findIndex((target) => target.key === key);
  if (layer === "allow.always") return 1 + allowAlways.findIndex((target) => target.key === key);
  return 1 + user.egress.findIndex(({ target }) => target.key === key);
}
