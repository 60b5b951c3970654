/**
 * How many elements of addresses with protocols and ports a policy may make in the kernel. A rule makes one
 * for each range of its ports, and as many again wherever another rule cuts its prefix: few rules can make
 * millions, which nft(8) loads for minutes.
 */
import type { CompiledPolicy } from "../../policy/compile.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Problem } from "../../policy/problem.ts";
import { describeRule } from "../../policy/rule.ts";
import type { Steps } from "../../policy/steps.ts";
import { countFlowRanges } from "./scoped-ranges.ts";

/** nft(8) takes some seconds for so many on a busy machine, and is given no more than some ten. */
export const MAX_FLOW_ELEMENTS = 32_768;

/** Whether it would make more. A step for each rule; a family without rules with ports costs nothing. */
export function* exceedsElements(
  { rules, scoped }: Pick<CompiledPolicy, "rules" | "scoped">,
  limit = MAX_FLOW_ELEMENTS,
): Steps<boolean> {
  let count = 0;
  for (const octets of [4, 16] as const) {
    const space = octets === 4 ? "v4" : "v6";
    if (scoped.every((group) => group.rules[space] === undefined)) continue;
    const ranges = { octets, rules: rules[space], scoped, asks: true };
    count += yield* countFlowRanges(ranges, limit - count);
    if (count > limit) return true;
  }
  return false;
}

/** What is wrong with a policy that would, and what to do. It names the rule with most ranges of ports. */
export function describeTooManyElements({ egress }: Pick<Policy, "egress">): Problem {
  let most = 0;
  for (const [index, { target, scope }] of egress.entries())
    if (target.kind !== "name" && rangesOf(scope) > rangesOf(egress[most]?.scope)) most = index;
  const rule = egress[most];
  const named =
    rule === undefined ? "" : ` (${describeRule(rule).slice(0, 80)}, ${rangesOf(rule.scope)} ranges)`;
  return {
    path: `egress[${most}].ports`,
    message: `rules for addresses make more than ${MAX_FLOW_ELEMENTS} elements of address and ports in the kernel, most likely by this one${named}: write ranges such as "8000-8080" for single ports, or fewer prefixes with ports`,
  };
}

function rangesOf(scope: Policy["egress"][number]["scope"]): number {
  return scope?.ports.length ?? 0;
}
