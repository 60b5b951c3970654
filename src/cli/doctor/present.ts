/** What `egress doctor` shows to people: one table, what it comes to, and advice. */
import type { Conclusion, Report } from "../../doctor/report.ts";
import type { Outcome } from "../../doctor/finding.ts";
import { align } from "../align.ts";

const SHOWN: Readonly<Record<Outcome, string>> = { held: "held", open: "OPEN", untried: "not tried" };
/** As wide as the longest of them, whichever are shown. */
const RESULT = "result".padEnd(SHOWN.untried.length);

export function presentReport({ who, rows, advice }: Report, { text }: Conclusion): string {
  const cells = rows.map(({ name, row, outcome, detail }) => [SHOWN[outcome], row, name, detail]);
  return [
    `egress doctor: ${who}`,
    "",
    ...align([[RESULT, "row", "attack", "what was seen"], ...cells]),
    "",
    text,
    ...advice.map((one) => `advice: ${one}`),
    "",
  ].join("\n");
}
