/** `egress serve`: settings and checks, in this order; then the sidecar runs until a signal. */
import { once } from "node:events";
import { LogOutputError } from "../audit/errors.ts";
import { createLog, type Log } from "../audit/log.ts";
import { readEverySetting, type SettingsReading } from "../config.ts";
import { VARIABLES } from "../config/variables.ts";
import { describe } from "../enforcement/errors.ts";
import type { Problem } from "../policy/problem.ts";
import { RequiredProtectionError } from "../protections/errors.ts";
import { StartProblemsError } from "../sidecar/errors.ts";
import { findObstacles } from "../sidecar/preflight.ts";
import { GRACE_MS, listProblems, runSidecar } from "../sidecar/run-sidecar.ts";
import { keepFromChildren } from "../sys/inherited.ts";
import { raiseMmapThreshold } from "../sys/process-memory.ts";
import type { CliContext } from "./context.ts";
import { EXIT } from "./exit-codes.ts";

export interface ServeOptions {
  /** Any problem ends the start; otherwise everything is denied and the API says why. */
  readonly strict: boolean;
  /** Aborted by the signal that ends it. */
  readonly stop: AbortSignal;
}

/**
 * Serves until it is stopped; settles with the exit code. It prints on standard error what ends the start.
 */
export async function serve(
  { env, warn }: Pick<CliContext, "env" | "warn">,
  { strict, stop }: ServeOptions,
): Promise<number> {
  raiseMmapThreshold();
  keepFromChildren();
  const reading = readEverySetting(env);
  const fatal = strict ? reading.problems : reading.problems.filter(isAboutAddress);
  const obstacles = findObstacles({ allowHostNetwork: reading.settings.allowHostNetns });
  if (fatal.length + obstacles.length > 0)
    return refuse([...reading.problems.map(showProblem), ...obstacles], warn);
  try {
    const { log, problems } = openLog(reading);
    for (const warning of reading.warnings) log.logger.warn(showProblem(warning));
    let isReady = false;
    const onReady = (): void => {
      isReady = true;
    };
    const running = runSidecar(reading.settings, { env, log, stop, problems, strict, onReady });
    await Promise.race([running, stoppedBefore(stop, () => isReady)]);
    if (!isReady) log.logger.info("stopped before it was ready: the rules stay in the kernel");
    await log.drain(GRACE_MS);
    return EXIT.ok;
  } catch (error) {
    return refuse(explain(error), warn);
  }
}

/** Settles at a stop that comes before `isReady`: nobody waits for what the start is waiting for then. */
async function stoppedBefore(stop: AbortSignal, isReady: () => boolean): Promise<void> {
  if (!stop.aborted) await once(stop, "abort");
  if (isReady()) await new Promise<never>(() => undefined);
}

/** Where an output cannot be opened, on standard output alone: the problem has to be told somewhere. */
function openLog({ settings, problems }: SettingsReading): {
  readonly log: Log;
  problems: readonly Problem[];
} {
  try {
    return { log: createLog(settings), problems };
  } catch (error) {
    if (!(error instanceof LogOutputError)) throw error;
    const problem = { path: VARIABLES.logOutputs.name, message: error.message };
    return { log: createLog({ ...settings, logOutputs: ["stdout"] }), problems: [...problems, problem] };
  }
}

/** Without the API's address nobody can be told of a problem. */
function isAboutAddress({ path }: Problem): boolean {
  return path === VARIABLES.httpAddress.name;
}

function showProblem({ path, message }: Problem): string {
  return `${path} ${message}`;
}

function explain(error: unknown): readonly string[] {
  if (error instanceof RequiredProtectionError) return error.lines;
  return error instanceof StartProblemsError ? listProblems(error.problems) : [describe(error)];
}

function refuse(lines: readonly string[], warn: CliContext["warn"]): number {
  for (const line of lines) warn(`egress: ${line}\n`);
  return EXIT.config;
}
