/** What all attempts have shown, a row for each kind, and what it comes to. Pure. */
import type { Finding, Outcome } from "./finding.ts";

export interface Row {
  readonly name: string;
  readonly row: string;
  readonly outcome: Outcome;
  readonly detail: string;
  readonly findings: readonly Finding[];
}

/** Open where any attempt got out; held where all that could be tried were stopped. */
export function toRow(name: string, row: string, findings: readonly Finding[]): Row {
  const of = (outcome: Outcome): readonly Finding[] =>
    findings.filter((finding) => finding.outcome === outcome);
  const [opened, stopped, left] = [of("open"), of("held"), of("untried")];
  if (opened.length > 0) {
    const rest = opened.length > 1 ? `; ${opened.length} of ${opened.length + stopped.length} got out` : "";
    return { name, row, outcome: "open", detail: `${describe(opened[0])}${rest}`, findings };
  }
  if (stopped.length === 0) {
    return { name, row, outcome: "untried", detail: reasons(left) || "nothing to try", findings };
  }
  const notTried = left.length > 0 ? `; not tried: ${reasons(left)}` : "";
  return { name, row, outcome: "held", detail: `${count(stopped)}${notTried}`, findings };
}

function describe(finding: Finding | undefined): string {
  if (finding === undefined) return "";
  const { what, family, detail } = finding;
  return `${what}${family === undefined || what === family ? "" : `, ${family}`}: ${detail}`;
}

function count(stopped: readonly Finding[]): string {
  const families = [...new Set(stopped.map(({ family }) => family).filter((family) => family !== undefined))];
  const over = families.length === 0 ? "" : `, ${families.sort().join(" and ")}`;
  return `${stopped.length} ${stopped.length === 1 ? "attempt" : "attempts"}${over}`;
}

/** Each reason once, with what it is the reason for. */
function reasons(left: readonly Finding[]): string {
  const byReason = Map.groupBy(left, ({ detail }) => detail);
  return [...byReason]
    .map(([reason, findings]) => [listed(findings), reason])
    .map(([what = "", reason = ""]) => (what === "" ? reason : `${what} (${reason})`))
    .join(", ");
}

function listed(findings: readonly Finding[]): string {
  const names = [
    ...new Set(
      findings.map(({ what, family }) =>
        family === undefined || what === family ? what : `${what} ${family}`,
      ),
    ),
  ];
  const [first = "", second, ...others] = names;
  if (second === undefined) return first;
  return others.length === 0 ? `${first}, ${second}` : `${first} and ${others.length + 1} more`;
}

export interface Report {
  /** Who tried: one line. */
  readonly who: string;
  readonly rows: readonly Row[];
  readonly advice: readonly string[];
}

export interface Conclusion {
  readonly held: number;
  readonly open: number;
  readonly untried: number;
  /** What it comes to, in one line. */
  readonly text: string;
}

/** What tells whether a sidecar is there at all. */
export interface Signs {
  readonly lookups: Outcome;
  readonly connections: Outcome;
  /** Attacks that are stopped under every policy. */
  readonly always: readonly Outcome[];
}

export function conclude(rows: readonly Row[], signs: Signs): Conclusion {
  const of = (outcome: Outcome): number => rows.filter((row) => row.outcome === outcome).length;
  const counts = { held: of("held"), open: of("open"), untried: of("untried") };
  const tally = `${counts.held} held, ${counts.open} open, ${counts.untried} not tried`;
  const meaning = counts.open === 0 ? "nothing got out" : meaningOf(signs);
  return { ...counts, text: meaning === "" ? tally : `${tally}: ${meaning}` };
}

function meaningOf({ lookups, connections, always }: Signs): string {
  if (connections !== "open") return "";
  if (lookups === "held") {
    return "lookups are held and connections are not, as in mode dns, or if the policy allows these addresses";
  }
  if (lookups !== "open") return "";
  if (always.includes("held")) return "the default action of the policy is allow";
  if (always.includes("open")) return "no sidecar guards this network namespace";
  return "no sidecar guards this network namespace, or the default action of its policy is allow";
}
