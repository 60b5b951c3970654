/** What rules that ask what a connection speaks add to a conclusion. */
import type { ExplainedSpoken } from "../../enforcement/explain/explain-spoken.ts";
import type { Explained, ExplainRequest } from "../../enforcement/explain/explain.ts";
import type { SpokenApp } from "../../policy/app.ts";
import { describeRule } from "../../policy/rule.ts";
import type { Conclusion, Patch } from "./conclude.ts";

type Asked = Pick<ExplainRequest, "app" | "port" | "target">;

/** A connection that speaks what is refused is not reached, though its first packet passes. */
export function addSpoken(
  conclusion: Conclusion,
  { spoken = [], asking }: Pick<Explained, "spoken" | "asking">,
  { app, port, target }: Asked,
): Conclusion {
  const { because, reachable } = conclusion;
  if (app !== undefined && port !== undefined) {
    const [one] = spoken;
    const patch = { ...conclusion.patch, allow: narrowed(conclusion.patch.allow, { app, port }) };
    if (!reachable || one === undefined) return { ...conclusion, patch };
    if (one.passes) return { ...conclusion, because: `${because}; ${wordsOf(one)}` };
    const allow = allowOf(one, { action: "allow", target: target.key, ports: [port], app });
    return {
      reachable: false,
      because: `${because}; ${wordsOf(one)}`,
      patch: { allow, deny: [] },
    };
  }
  if (asking === undefined) return conclusion;
  const rule = describeRule(asking);
  if (port === undefined)
    return { ...conclusion, because: `${because}; rule ${rule} asks what is spoken: give its port and app` };
  if (!reachable) return conclusion;
  const passing = spoken.filter(({ passes }) => passes);
  return {
    ...conclusion,
    because: `${because}; what it speaks decides: ${spoken.map(wordsOf).join(", ")}`,
    reachable: passing.length > 0,
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
