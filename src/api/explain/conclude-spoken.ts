/** What rules that ask what a connection speaks add to a conclusion. */
import type { ExplainedSpoken } from "../../enforcement/explain/explain-spoken.ts";
import type { Explained, ExplainRequest } from "../../enforcement/explain/explain.ts";
import type { SpokenApp } from "../../policy/app.ts";
import { describeRule, type Rule } from "../../policy/rule.ts";
import type { Conclusion, Patch } from "./conclude.ts";

type Asked = Pick<ExplainRequest, "app" | "port" | "target">;

export function addSpoken(
  conclusion: Conclusion,
  { spoken = [], asking }: Pick<Explained, "spoken" | "asking">,
  { app, port, target }: Asked,
): Conclusion {
  if (app !== undefined && port !== undefined) return addOne(conclusion, spoken[0], { app, port, target });
  return asking === undefined ? conclusion : addAll(conclusion, spoken, { asking, port });
}

/** A connection that speaks what is refused is not reached, though its first packet passes. */
function addOne(
  conclusion: Conclusion,
  one: ExplainedSpoken | undefined,
  { app, port, target }: { app: SpokenApp; port: number; target: Asked["target"] },
): Conclusion {
  const patch = { ...conclusion.patch, allow: narrowed(conclusion.patch.allow, { app, port }) };
  if (!conclusion.reachable || one === undefined) return { ...conclusion, patch };
  const because = `${conclusion.because}; ${wordsOf(one)}`;
  if (one.passes) return { ...conclusion, because };
  const allow = allowOf(one, { action: "allow", target: target.key, ports: [port], app });
  return { reachable: false, because, patch: { allow, deny: [] } };
}

/** Nobody has said what it speaks, and a rule asks. */
function addAll(
  conclusion: Conclusion,
  spoken: readonly ExplainedSpoken[],
  { asking, port }: { asking: Rule; port: number | undefined },
): Conclusion {
  const { because, reachable } = conclusion;
  const rule = describeRule(asking);
  if (port === undefined)
    return { ...conclusion, because: `${because}; rule ${rule} asks what is spoken: give its port and app` };
  if (!reachable) return conclusion;
  return {
    ...conclusion,
    because: `${because}; what it speaks decides: ${spoken.map(wordsOf).join(", ")}`,
    reachable: spoken.some(({ passes }) => passes),
  };
}

/** The smallest rule speaks of this alone. */
function narrowed(rules: Patch["allow"], { app, port }: { app: SpokenApp; port: number }): Patch["allow"] {
  return rules?.map(({ action, target }) => ({ action, target, ports: [port], app }));
}

function allowOf({ decision }: ExplainedSpoken, rule: NonNullable<Patch["allow"]>[number]): Patch["allow"] {
  return decision.action === "deny" && decision.layer === "deny.always" ? undefined : [rule];
}

const NOTHING_ELSE = "what is none of these";

function wordsOf({ app, passes, fault, decision, name }: ExplainedSpoken): string {
  const what = app === "other" ? NOTHING_ELSE : app;
  if (!passes) return `${what} is refused${fault === undefined ? "" : ` (${fault})`}`;
  const shown = name === undefined ? "" : ` that shows ${name}`;
  const by = decision.rule === undefined ? "the default action" : `rule ${describeRule(decision.rule)}`;
  if (fault !== undefined) return `${what} passes by audit mode (without it refused: ${fault})`;
  return `${what}${shown} passes by ${by}`;
}
