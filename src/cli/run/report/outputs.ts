/** All that a run tells besides what its command does: on standard error, into the files that it was asked for, and by its exit code. */
import type { Policy } from "../../../policy/policy.ts";
import { EXIT } from "../../exit-codes.ts";
import type { Caller } from "../config/caller.ts";
import type { Telling } from "../request/options.ts";
import { openReport } from "./open-report.ts";
import type { RunReport } from "./report.ts";
import { openForAppend } from "./run-file.ts";
import { renderStepSummary } from "./step-summary.ts";
import type { Voice } from "./voice.ts";

export interface RunOutputs extends Disposable {
  readonly report: RunReport;
  /** Once the sidecar's log is read to its end. Gives the exit code of the run, of which `code` is the command's. */
  finish(code: number): number;
}

export interface OutputOptions {
  readonly policy: Policy;
  readonly upstreams: readonly string[];
  readonly telling: Telling;
  readonly voice: Voice;
  readonly caller: Caller;
  /** Of GitHub Actions: the file that shows on the page of the job. */
  readonly stepSummary: string | undefined;
}

/** Opens the files, so that what the command does cannot change which they are. Throws RunFileError. */
export function openOutputs(options: OutputOptions): RunOutputs {
  const { policy, upstreams, telling, voice, caller, stepSummary } = options;
  using opened = new DisposableStack();
  const open = (path: string | undefined) =>
    path === undefined || path === "" ? undefined : opened.use(openForAppend(path, caller));
  const log = open(telling.logFile);
  const page = open(stepSummary);
  const report = opened.use(openReport({ policy, upstreams, voice, log }));
  const files = opened.move();
  return {
    report,
    finish(code) {
      const outcome = report.outcome();
      voice.sum(outcome);
      const summary = renderStepSummary(outcome);
      try {
        if (summary !== "") page?.append(summary);
      } catch (error) {
        voice.complain(`${stepSummary ?? ""}: ${error instanceof Error ? error.message : String(error)}`);
      }
      const wasDenied = outcome.denied.length > 0 || outcome.others > 0;
      return telling.failsOnDeny && wasDenied && code === EXIT.ok ? EXIT.denied : code;
    },
    [Symbol.dispose]: () => files.dispose(),
  };
}
