/**
 * The report of a run on this machine: what it knows of the surroundings it reads here, what it tells goes to
 * standard error.
 */
import { existsSync, readFileSync } from "node:fs";
import { RESOLV_CONF } from "../../../config/resolv-conf.ts";
import { oneLine } from "../../../policy/problem.ts";
import type { Policy } from "../../../policy/policy.ts";
import { createRunReport, type RunReport } from "./report.ts";
import type { RunFile } from "./run-file.ts";
import { readSurroundings } from "./surroundings.ts";
import type { Voice } from "./voice.ts";

export interface ReportOptions {
  readonly policy: Policy;
  readonly upstreams: readonly string[];
  readonly voice: Voice;
  /** Gets the sidecar's log. */
  readonly log: RunFile | undefined;
}

/** Tells denials as they come. */
export function openReport({ policy, upstreams, voice, log }: ReportOptions): RunReport {
  const around = readSurroundings({
    policy,
    upstreams,
    hosts: readIfThere("/etc/hosts"),
    resolvConf: readIfThere(RESOLV_CONF),
  });
  const report = createRunReport({
    around,
    tell: (entry) => voice.tell(entry, around),
    tellUnjudged: (reason) =>
      voice.warn(`other sites at the addresses of allowed names are not refused: ${oneLine(reason)}`),
  });
  if (log === undefined) return report;
  let isWritten = true;
  return {
    ...report,
    take(line) {
      report.take(line);
      if (!isWritten) return;
      try {
        log.append(`${line}\n`);
      } catch (error) {
        isWritten = false;
        voice.complain(
          `the log cannot be written any more: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    },
  };
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
