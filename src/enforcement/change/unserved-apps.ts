/** Rules that ask what connections speak, where nobody reads them: such a rule would let all pass. */
import { asksForApp } from "../../policy/app.ts";
import type { Problem } from "../../policy/problem.ts";
import type { Rule } from "../../policy/rule.ts";
import type { PolicyEdit } from "./policy-control.ts";

/** The first of the rules that asks what is spoken; `reason` is why nobody can tell. */
export function findAskingRule(rules: readonly Rule[], place: string, reason: string): Problem | undefined {
  const index = rules.findIndex(({ scope }) => asksForApp(scope?.app));
  if (index < 0) return undefined;
  return { path: `${place}[${index}].app`, message: `cannot be served: ${reason}. Or take app out` };
}

/** The same of what a change brings. */
export function findUnservedApp(edit: PolicyEdit, reason: string): Problem | undefined {
  if (edit.kind === "remove") return undefined;
  if (edit.kind === "merge") return findAskingRule(edit.rules, "", reason);
  return findAskingRule(edit.policy.egress, "egress", reason);
}
