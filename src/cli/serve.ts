/** `egress serve`: settings and checks, in this order; then the sidecar runs until a signal. */
import { createLog } from "../audit/log.ts";
import { readSettings } from "../config.ts";
import { readDenyAlways } from "../enforcement/always/io/always-rules.ts";
import { describe } from "../enforcement/errors.ts";
import { RequiredProtectionError } from "../protections/errors.ts";
import { findUpstreams } from "../sidecar/find-upstreams.ts";
import { findObstacles } from "../sidecar/preflight.ts";
import { GRACE_MS, listProblems, runSidecar } from "../sidecar/run-sidecar.ts";
import { raiseMmapThreshold } from "../sys/process-memory.ts";
import { EXIT } from "./exit-codes.ts";

/** Serves until SIGTERM or SIGINT; settles with the exit code. What stops the start is said on standard error. */
export async function serve(env: Readonly<Record<string, string | undefined>>): Promise<number> {
  raiseMmapThreshold();
  const settings = readSettings(env);
  if (!settings.ok) return refuse(settings.problems.map(({ path, message }) => `${path} ${message}`));
  const obstacles = findObstacles({ allowHostNetwork: settings.value.allowHostNetns });
  if (obstacles.length > 0) return refuse(obstacles);
  const resolved = await findUpstreams(settings.value.upstreams);
  if (!resolved.ok) return refuse(listProblems(resolved.problems));
  const denials = await readDenyAlways(settings.value.rulesDirectory);
  if (!denials.ok) return refuse(listProblems(denials.problems));

  const stop = new AbortController();
  // For good, not once: a child's runner (execa) sends the signal again where it finds nobody listening any more.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop.abort());
  try {
    const log = createLog(settings.value);
    await runSidecar({ ...settings.value, upstreams: resolved.value }, log, stop.signal);
    await log.drain(GRACE_MS);
    return EXIT.ok;
  } catch (error) {
    return refuse(error instanceof RequiredProtectionError ? error.lines : [describe(error)]);
  }
}

function refuse(lines: readonly string[]): number {
  for (const line of lines) process.stderr.write(`egress: ${line}\n`);
  return EXIT.config;
}
