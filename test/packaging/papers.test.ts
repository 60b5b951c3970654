/** What stands beside the package: its version, its changes, and the workflow that checks it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import lock from "../../package-lock.json" with { type: "json" };
import manifest from "../../package.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WORKFLOW = ".github/workflows/check.yml";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

test("CHANGELOG's newest version is the package's, and the lock file's", () => {
  expect(/^## (\S+)$/m.exec(read("CHANGELOG.md"))?.[1]).toBe(manifest.version);
  expect(lock.packages[""].version).toBe(manifest.version);
});

test("editors know the formatter's width, ends of lines and indents", () => {
  const { printWidth } = z.object({ printWidth: z.number() }).parse(JSON.parse(read(".oxfmtrc.json")));
  expect(read(".editorconfig").split("\n")).toEqual(
    expect.arrayContaining([`max_line_length = ${printWidth}`, "end_of_line = lf", "indent_size = 2"]),
  );
});

test("the lock file names each platform of the addons, so that npm ci finds its own", () => {
  const names = Object.keys(lock.packages["node_modules/koffi"].optionalDependencies);
  const locked = new Set(Object.keys(lock.packages));
  expect(names.filter((name) => !locked.has(`node_modules/${name}`))).toEqual([]);
});

const jobShape = z.object({
  "timeout-minutes": z.number(),
  strategy: z.object({ matrix: z.object({ node: z.array(z.string()) }) }),
  steps: z.array(z.object({ run: z.string().optional() })),
});
const workflow = z.object({ jobs: z.record(z.string(), jobShape) }).parse(parse(read(WORKFLOW)));

test("the workflow runs each job on the oldest Node that is admitted and on the tests' own", () => {
  const oldest = /^>=(\d+)$/.exec(manifest.engines.node)?.[1];
  const own = /^\^(\d+)\./.exec(manifest.devDependencies.node)?.[1];
  for (const { strategy } of Object.values(workflow.jobs))
    expect(strategy.matrix.node).toEqual([oldest, own]);
});

test("the workflow runs the checks and every root suite, by scripts that exist", () => {
  const runs = Object.values(workflow.jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
  const scripts = runs.flatMap((run) => /npm (?:run )?(check|test\S*)/.exec(run)?.[1] ?? []);
  expect(scripts).toEqual(["check", "test", "test:image"]);
  for (const script of scripts) expect(Object.keys(manifest.scripts)).toContain(script);
});
