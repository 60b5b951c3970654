/** What `egress doctor` shows to people: one table, what it comes to, and advice. */
import type { Conclusion, Report } from "../../doctor/report.ts";
import type { Outcome } from "../../doctor/finding.ts";
import type { TrustOutcome, TrustReport } from "../../doctor/trust/examine-trust.ts";
import { oneLine } from "../../policy/problem.ts";
import { align } from "../align.ts";

const SHOWN: Readonly<Record<Outcome, string>> = { held: "held", open: "OPEN", untried: "not tried" };
/** As wide as the longest of them, whichever are shown. */
const RESULT = "result".padEnd(SHOWN.untried.length);

const TRUST: Readonly<Record<TrustOutcome, string>> = {
  trusted: "trusted",
  alone: "NO OTHERS",
  partly: "PARTLY",
  refused: "NOT TRUSTED",
  unknown: "unknown",
};
const TRUSTED = "certificate".padEnd(Math.max(...Object.values(TRUST).map((word) => word.length)));

export function presentReport(
  { who, rows, advice }: Report,
  { text }: Conclusion,
  trust?: TrustReport,
): string {
  const cells = rows.map(({ name, row, outcome, detail }) => [SHOWN[outcome], row, name, detail]);
  return [
    `egress doctor: ${who}`,
    "",
    ...align([[RESULT, "row", "attack", "what was seen"], ...cells]),
    "",
    text,
    ...advice.map((one) => `advice: ${one}`),
    ...(trust === undefined ? [] : presentTrust(trust)),
    "",
  ].join("\n");
}

/** Which programs trust the sidecar for bound hosts, and what makes the others do so. */
function presentTrust({ file, roots, until, tools, bundle }: TrustReport): readonly string[] {
  if (roots === 0) return ["", `${oneLine(file)}: no certificate there, so no program trusts the sidecar`];
  const cells = tools.map(({ tool, outcome, detail }) => [TRUST[outcome], tool, detail]);
  const remedies = tools.flatMap(({ tool, remedy }) =>
    remedy === undefined ? [] : [`remedy: ${tool}: ${oneLine(remedy)}`],
  );
  return [
    "",
    `the sidecar's certificates: ${oneLine(file)}${until === undefined ? "" : `, good until ${until}`}`,
    ...align([[TRUSTED, "tool", "where it looks"], ...cells]),
    ...remedies,
    ...(bundle === undefined ? [] : [`remedy: BUNDLE: ${oneLine(bundle)}`]),
  ];
}
