/**
 * `.oxlintrc.json` lists files whose functions are longer or more branched than others may be. The lists only
 * shrink.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const RULES = ["max-lines-per-function", "complexity"] as const;
type RuleName = (typeof RULES)[number];

const configShape = z.object({
  overrides: z.array(z.object({ files: z.array(z.string()), rules: z.record(z.string(), z.unknown()) })),
});
const reportShape = z.object({ diagnostics: z.array(z.object({ filename: z.string() })) });
const { overrides } = configShape.parse(JSON.parse(readFileSync(join(ROOT, ".oxlintrc.json"), "utf8")));

/** The files that are excused from the rule, as they are listed. */
function excusedFrom(rule: RuleName): readonly string[] {
  return overrides.filter(({ rules }) => rules[rule] === "off").flatMap(({ files }) => files);
}

/** Those files in which something breaks the rule, in the order of their names. */
function breakersOf(rule: RuleName, files: readonly string[]): readonly string[] {
  // Without files it would look at all there are.
  if (files.length === 0) return [];
  const setting = overrides
    .map(({ rules }) => rules[rule])
    .find((value) => value !== undefined && value !== "off");
  const folder = mkdtempSync(join(tmpdir(), "egress-lint-"));
  try {
    const config = join(folder, "oxlint.json");
    writeFileSync(config, JSON.stringify({ categories: {}, plugins: [], rules: { [rule]: setting } }));
    const report = run(["--config", config, "--format", "json", ...files]);
    return [...new Set(report.diagnostics.map(({ filename }) => filename))].toSorted();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(args: readonly string[]): z.infer<typeof reportShape> {
  // It exits with 1 where it finds something.
  const script = 'node_modules/.bin/oxlint "$@" || [ $? = 1 ]';
  const text = execFileSync("sh", ["-c", script, "sh", ...args], { cwd: ROOT, encoding: "utf8" });
  return reportShape.parse(JSON.parse(text));
}

test.each(RULES)("each file that is excused from %s needs its excuse", (rule) => {
  const excused = excusedFrom(rule);
  expect(breakersOf(rule, excused)).toEqual(excused.toSorted());
});

test("the files that are excused are found, and none is excused for its branches", () => {
  expect(excusedFrom("max-lines-per-function").length).toBeGreaterThan(0);
  expect(excusedFrom("complexity")).toEqual([]);
});

test.each(RULES)("a file that keeps to %s is not taken for one that breaks it", (rule) => {
  expect(breakersOf(rule, ["src/policy/decision.ts"])).toEqual([]);
});
