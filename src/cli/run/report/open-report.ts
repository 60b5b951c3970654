/** The report of a run on this machine: what it knows of the surroundings it reads here, what it tells goes to standard error. */
import { existsSync, readFileSync } from "node:fs";
import { RESOLV_CONF } from "../../../config/resolv-conf.ts";
import type { Policy } from "../../../policy/policy.ts";
import { createRunReport, type RunReport } from "./report.ts";
import { renderSummary } from "./summary.ts";
import { readSurroundings } from "./surroundings.ts";
import { describe } from "./words.ts";

export interface ReportOptions {
  readonly policy: Policy;
  readonly upstreams: readonly string[];
  readonly say: (text: string) => void;
}

/** Tells denials as they come; disposed, it says what they were in all. */
export function openReport({ policy, upstreams, say }: ReportOptions): RunReport {
  const around = readSurroundings({
    policy,
    upstreams,
    hosts: readIfThere("/etc/hosts"),
    resolvConf: readIfThere(RESOLV_CONF),
  });
  const report = createRunReport({
    around,
    tell: (entry) =>
      say(entry === undefined ? "what else is denied is told at the end" : describe(entry, around)),
  });
  return {
    ...report,
    [Symbol.dispose]() {
      report[Symbol.dispose]();
      const { ledger } = report;
      const failed = ledger.failed().map(({ subject }) => subject);
      for (const line of renderSummary({ denied: report.denied(), others: ledger.others(), failed }))
        say(line);
    },
  };
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
