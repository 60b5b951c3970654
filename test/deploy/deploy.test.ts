/** What `deploy/` says to Prometheus and Grafana, held to the metrics that there are, and by promtool. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import * as z from "zod";
import { readMetrics } from "../../src/metrics/egress-metrics.ts";
import { prometheusName, renderPrometheus } from "../../src/metrics/prometheus.ts";
import { SOURCES } from "../metrics/sources.ts";
import { skipBecause } from "../support/skip.ts";

const run = promisify(execFile);
const ALERTS = fileURLToPath(new URL("../../deploy/alerts.yaml", import.meta.url));
const DASHBOARD = fileURLToPath(new URL("../../deploy/grafana-dashboard.json", import.meta.url));

const dashboardShape = z.object({
  panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })) })),
});

/** All series that a sidecar with a webhook has. */
const SERIES = new Set(
  readMetrics(SOURCES).flatMap((metric) => {
    const name = prometheusName(metric);
    return metric.kind === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
  }),
);

async function readExpressions(): Promise<readonly string[]> {
  const { panels } = dashboardShape.parse(JSON.parse(await readFile(DASHBOARD, "utf8")));
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
}

/** Undefined where the machine has none. */
async function findPromtool(): Promise<string | undefined> {
  return run("promtool", ["--version"]).then(
    () => "promtool",
    () => undefined,
  );
}

test.each([
  ["alert rules", async () => readFile(ALERTS, "utf8")],
  ["dashboard", async () => readFile(DASHBOARD, "utf8")],
])("the %s name no metric that is not there", async (_what, read) => {
  const named = new Set([...(await read()).matchAll(/\begress_[a-z0-9_]+/g)].map(String));
  expect(named.size).toBeGreaterThan(8);
  expect([...named].filter((name) => !SERIES.has(name))).toEqual([]);
});

test("promtool takes the alert rules, and the dashboard's expressions", async (context) => {
  if ((await findPromtool()) === undefined)
    skipBecause(context, "promtool is not installed: .ci/prepare brings it");
  const { stdout } = await run("promtool", ["check", "rules", "--lint=all", "--lint-fatal", ALERTS]);
  expect(stdout).toContain("SUCCESS");
  const folder = await mkdtemp(join(tmpdir(), "promtool-"));
  const rules = (await readExpressions()).map((expr, index) => ({
    record: `dashboard:${index}`,
    expr: expr.replaceAll("$__rate_interval", "1m").replaceAll("$instance", ".*"),
  }));
  const file = join(folder, "dashboard.json");
  await writeFile(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
  expect((await run("promtool", ["check", "rules", file])).stdout).toContain(`${rules.length} rules found`);
  await rm(folder, { recursive: true });
});

test("promtool finds nothing to say of the metrics", async (context) => {
  if ((await findPromtool()) === undefined)
    skipBecause(context, "promtool is not installed: .ci/prepare brings it");
  const checking = run("promtool", ["check", "metrics"]);
  checking.child.stdin?.end(renderPrometheus(readMetrics(SOURCES), { sandbox_id: "sbx-1" }));
  expect(await checking).toEqual({ stdout: "", stderr: "" });
});
