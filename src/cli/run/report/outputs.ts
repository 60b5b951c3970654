/**
 * All that a run tells besides what its command does: on standard error, into the files that it was asked
 * for, and by its exit code.
 */
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Policy } from "../../../policy/policy.ts";
import { EXIT } from "../../exit-codes.ts";
import type { Caller } from "../config/caller.ts";
import type { EgressClient } from "../../../client/client.ts";
import { ApiError, ConnectionError } from "../../../client/errors.ts";
import { oneLine } from "../../../policy/problem.ts";
import { renderConfig } from "../config/render-config.ts";
import { RunFileError } from "../errors.ts";
import type { Audit, Telling } from "../request/options.ts";
import { openReport } from "./open-report.ts";
import type { RunReport } from "./report.ts";
import { openForAppend, reserveNewFile, type RunFile } from "./run-file.ts";
import { renderStepSummary } from "./step-summary.ts";
import type { Voice } from "./voice.ts";

/**
 * The kernel gathers the connections that it reports for up to 200 ms (`netfilter/io/refusals.ts`): the last
 * ones of a command are suggested, too.
 */
const GATHERED_MS = 500;

export interface RunOutputs extends Disposable {
  readonly report: RunReport;
  /** Once the command has ended, while the sidecar still runs. */
  conclude(client: Pick<EgressClient, "suggestPolicy">): Promise<void>;
  /**
   * Once the sidecar's log is read to its end. Gives the exit code of the run, of which `code` is the
   * command's.
   */
  finish(code: number): number;
}

export interface OutputOptions {
  readonly policy: Policy;
  readonly upstreams: readonly string[];
  readonly telling: Telling;
  readonly audit: Audit | undefined;
  /** For the head of what is saved. */
  readonly command: readonly string[];
  readonly voice: Voice;
  readonly caller: Caller;
  /** Of GitHub Actions: the file that shows on the page of the job. */
  readonly stepSummary: string | undefined;
}

/** Opens the files, so that what the command does cannot change which they are. Throws RunFileError. */
export function openOutputs(options: OutputOptions): RunOutputs {
  const { policy, upstreams, telling, audit, voice, caller, stepSummary } = options;
  using opened = new DisposableStack();
  const open = (path: string | undefined) =>
    path === undefined || path === "" ? undefined : opened.use(openForAppend(path, caller));
  const log = open(telling.logFile);
  const page = openPage(() => open(stepSummary), voice);
  const saveTo = audit?.saveTo;
  const saved = saveTo === undefined ? undefined : opened.use(reserveNewFile(saveTo, caller));
  const report = opened.use(openReport({ policy, upstreams, voice, log }));
  const files = opened.move();
  return {
    report,
    async conclude(client) {
      if (audit === undefined) return;
      await sleep(GATHERED_MS);
      try {
        const suggestion = await client.suggestPolicy({ ports: audit.ports });
        voice.suggest(suggestion);
        if (saveTo === undefined) return;
        const head = `What this has tried, as egress run --audit has seen it: ${programOf(options.command)}`;
        saved?.append(renderConfig(suggestion.policy, saveTo, head));
        voice.note(`written to ${saveTo}`);
      } catch (error) {
        if (!(error instanceof ConnectionError || error instanceof ApiError || error instanceof RunFileError))
          throw error;
        voice.complain(error.message);
      }
    },
    finish(code) {
      const outcome = report.outcome();
      voice.sum(outcome);
      const summary = renderStepSummary(outcome);
      try {
        if (summary !== "") page?.append(summary);
      } catch (error) {
        if (!(error instanceof RunFileError)) throw error;
        voice.complain(error.message);
      }
      const wasDenied = outcome.denied.length > 0 || outcome.others > 0;
      return telling.failsOnDeny && wasDenied && code === EXIT.ok ? EXIT.denied : code;
    },
    [Symbol.dispose]: () => files.dispose(),
  };
}

/** Without arguments: they may hold secrets, and the file is for a repository. */
function programOf([file = ""]: readonly string[]): string {
  return oneLine(basename(file));
}

/**
 * Nobody has asked for it by name: a runner's variable may be set where its file cannot be, such as in a
 * container.
 */
function openPage(open: () => RunFile | undefined, voice: Voice): RunFile | undefined {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof RunFileError)) throw error;
    voice.complain(`no table on the job's page: ${error.message}`);
    return undefined;
  }
}
