/**
 * `npm run bench`: ours and its peers on the same work, in network namespaces of their own, one table with
 * ratios.
 *
 *     npm run bench                         everything but what is only run when asked for
 *     npm run bench -- forwarded patch      experiments of that name, or whose names begin so
 *     npm run bench -- --help
 *
 * Bounded in time; all that it makes is removed, also on Ctrl-C and on failure.
 */
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sweepNamespaces } from "../../src/netns/namespace.ts";
import { withSystemFolders } from "../../src/config/program-path.ts";
import { missingTools } from "../../src/netns/find-tool.ts";
import type { Bench } from "./bench.ts";
import { runExperiment, type Experiment, type RowResult } from "./experiment.ts";
import { EXPERIMENTS } from "./experiments/all.ts";
import { createNumbers } from "./load/numbered-names.ts";
import { createBenchNetwork, MAX_SANDBOXES } from "./network.ts";
import { HELP, readOptions, type BenchOptions } from "./options.ts";
import { PINNED, UNPINNED } from "./processors.ts";
import { describeRun } from "./report/describe-run.ts";
import { renderJson, writeReport } from "./report/files.ts";
import { drawChart } from "./report/svg.ts";
import { renderTable } from "./report/table.ts";
import { BUNDLED, isBundled, UNBUILT } from "./subjects/sidecar.ts";

const TOOLS = ["ip", "nft", "dig", "dnsmasq", "unbound", "dnsperf", "taskset"];
const CHART = "docs/performance.svg";

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // Ended before its time: namespaces and processes go with this one.
  process.stderr.write(`\nbench: stopped: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === "string") return complain(options);
  if (options.help) {
    process.stdout.write(`${HELP}\n\nExperiments: ${EXPERIMENTS.map(({ name }) => name).join(", ")}\n`);
    return 0;
  }
  const chosen = choose(options.experiments);
  if (chosen.length === 0)
    return complain(`no experiment begins with any of: ${options.experiments.join(", ")}`);
  const missing = missingTools(TOOLS, withSystemFolders(process.env["PATH"]));
  if (missing.length > 0) {
    return complain(
      `${missing.join("; ")}\nDebian: apt-get install iproute2 nftables dnsutils dnsmasq-base unbound dnsperf`,
    );
  }
  const bundled = !options.unbuilt && (await isBundled());
  const run = describeRun(options, bundled);
  process.stdout.write(`${run.join("\n")}\n`);
  const results = await Promise.race([runAll(chosen, options, bundled), interruption(options.limitMinutes)]);
  process.stdout.write(`\n${renderTable(results)}\n`);
  await writeReport(options.json, renderJson(run, results));
  process.stdout.write(`\nwritten: ${options.json}\n`);
  if (options.svg) {
    await writeReport(CHART, drawChart(results, run));
    process.stdout.write(`drawn: ${CHART}\n`);
  }
  return 0;
}

async function runAll(
  chosen: readonly Experiment[],
  options: BenchOptions,
  bundled: boolean,
): Promise<readonly RowResult[]> {
  await sweepNamespaces();
  await using made = new AsyncDisposableStack();
  // Each namespace cleans up at the exit, too.
  process.setMaxListeners(2 * MAX_SANDBOXES);
  const folder = await mkdtemp(join(tmpdir(), "egress-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  made.defer(() => rm(folder, { recursive: true, force: true }));
  const processors = options.pin ? PINNED : UNPINNED;
  const network = made.use(await createBenchNetwork(processors));
  const bench: Bench = {
    ...options,
    network,
    processors,
    folder,
    program: bundled ? BUNDLED : UNBUILT,
    takeNumbers: createNumbers(),
  };
  const results: RowResult[] = [];
  for (const experiment of chosen) {
    if (experiment.isAsked?.(bench) === false) continue;
    const startedAt = performance.now();
    process.stdout.write(`${experiment.name} ...`);
    try {
      results.push(...(await runExperiment(experiment, bench)));
      process.stdout.write(` ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
    } catch (error) {
      // One experiment that fails does not take the others' figures with it; its rows stay empty and say why.
      const why = error instanceof Error ? error.message : String(error);
      process.stdout.write(` failed: ${why}\n`);
      results.push(...experiment.rows.map((row) => ({ row, cells: [], failure: why })));
    }
  }
  return results;
}

function choose(names: readonly string[]): readonly Experiment[] {
  if (names.length === 0) return EXPERIMENTS;
  return EXPERIMENTS.filter((experiment) => names.some((name) => isMeant(experiment.name, name)));
}

/** A whole name means that one alone, else a beginning means all that begin so. */
function isMeant(experiment: string, name: string): boolean {
  return EXPERIMENTS.some((one) => one.name === name) ? experiment === name : experiment.startsWith(name);
}

/** Rejects on Ctrl-C, or when it takes too long; what was made is removed at the process's end. */
async function interruption(limitMinutes: number): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  // Not `once`: execa ends the process by itself where it finds nobody else listening.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => reject(new Error(signal)));
  setTimeout(
    () => reject(new Error(`it took longer than ${limitMinutes} minutes`)),
    limitMinutes * 60_000,
  ).unref();
  return promise;
}

function complain(text: string): number {
  process.stderr.write(`bench: ${text}\n`);
  return 2;
}
