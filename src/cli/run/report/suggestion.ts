/**
 * What an audit run has learned: the smallest rule list that covers what its command has tried, for people
 * and for `--save`.
 */
import { renderWrittenRule } from "../../call/written-rule.ts";
import type { PolicySuggestion } from "../../../client/client.ts";
import { oneLine } from "../../../policy/problem.ts";

const LEFT_OUT_SHOWN = 10;

/** Lines for people. */
export function renderSuggestion({ policy, leftOut, seen }: PolicySuggestion): readonly string[] {
  const flags = policy.egress.flatMap(({ action, ...rest }) =>
    renderWrittenRule(rest).map((word) => `--${action} ${word}`),
  );
  const hidden = leftOut.length - LEFT_OUT_SHOWN;
  const named = leftOut.slice(0, LEFT_OUT_SHOWN).map(({ target, rule }) => `${target} (deny ${rule})`);
  return [
    ...(flags.length === 0
      ? ["nothing was tried that needs a rule"]
      : ["what was tried needs these rules:", `  ${flags.join(" ")}`]),
    ...(named.length === 0
      ? []
      : [`left out, as a rule denies them: ${named.join(", ")}${hidden > 0 ? ` and ${hidden} more` : ""}`]),
    ...(seen.cut === 0
      ? []
      : [`more was tried than is remembered: ${seen.cut} names and addresses are missing`]),
  ].map(oneLine);
}
