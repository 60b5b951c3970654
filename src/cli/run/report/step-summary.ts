/** The table that a step of GitHub Actions shows on the page of its job, as Markdown. */
import { oneLine } from "../../../policy/problem.ts";
import { describeCause } from "./words.ts";
import { countOf, missingTargets, type Outcome } from "./summary.ts";

const ROWS_SHOWN = 100;

/** Empty if nothing was denied. */
export function renderStepSummary({ denied, others }: Outcome): string {
  if (denied.length === 0 && others === 0) return "";
  const targets = missingTargets(denied);
  const hidden = denied.length - ROWS_SHOWN;
  return [
    `### egress run denied ${countOf(denied) || "something"}`,
    "",
    "| Denied | Flow | Times | Why |",
    "| --- | --- | --: | --- |",
    ...denied.slice(0, ROWS_SHOWN).map(({ subject, flow, count, cause }) => {
      const way = [flow?.transport, flow?.port].filter((part) => part !== undefined).join(" ");
      return `| ${code(subject)} | ${way || "lookup"} | ${count} | ${code(describeCause(cause))} |`;
    }),
    ...(hidden > 0 ? [`| and ${hidden} more | | | |`] : []),
    ...(others > 0 ? [`| only counted | | ${others} | |`] : []),
    "",
    ...(targets.length === 0
      ? []
      : [
          "To allow it, in `egress.yaml`:",
          "",
          "```yaml",
          "allow:",
          ...targets.map((one) => `  - ${one}`),
          "```",
          "",
        ]),
    "",
  ].join("\n");
}

/** A code span in a table's cell: what came from the command can neither end it nor be markup. */
function code(text: string): string {
  return `\`${oneLine(text).replaceAll("`", "'").replaceAll("|", "\\|")}\``;
}
