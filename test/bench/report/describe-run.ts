/** The circumstances, for people who read the figures later. */
import { statSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import type { BenchOptions } from "../options.ts";
import { PINNED, UNPINNED } from "../processors.ts";
import { BUNDLED } from "../subjects/sidecar.ts";

export function describeRun({ seconds, rounds, pin }: BenchOptions, bundled: boolean): readonly string[] {
  const [first] = cpus();
  return [
    `${new Date().toISOString()}  Linux ${release()}  Node ${process.version}  ${cpus().length} x ${first?.model ?? "?"}  load ${loadavg()[0]?.toFixed(2) ?? "?"}`,
    `${(pin ? PINNED : UNPINNED).description}; ${rounds} runs of ${seconds} s each, in turn; medians`,
    `ours: ${bundled ? `the bundle, built ${statSync(BUNDLED[1] ?? "").mtime.toISOString()}` : "src/main.ts, unbuilt"}; log level warn to /dev/null, names on the wire known, where a row does not say otherwise`,
  ];
}
