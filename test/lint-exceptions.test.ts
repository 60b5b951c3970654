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

/** Why a file's long function stays in one piece: what would be captured, or passed around, if it did not. */
const WHY_LONG: Readonly<Record<string, readonly string[]>> = {
  "one table in flat memory: each method works on the same arrays and keeps them in step": [
    "src/dns/answer/cache.ts",
    "src/dns/bounds/lookup-bounds.ts",
    "src/dns/delivery/waiters.ts",
    "src/dns/upstream/attempts.ts",
    "src/learned/names.ts",
    "src/learned/row-owners.ts",
    "src/learned/table.ts",
    "src/learned/use-order.ts",
    "src/tables/slot-chains.ts",
    "src/tables/slot-index.ts",
    "src/tables/slot-texts.ts",
  ],
  "one message or batch that grows at its end: each method moves that end": [
    "src/dns/wire/name-writer.ts",
    "src/netfilter/io/learned-set.ts",
    "src/netlink/writer.ts",
    "src/sys/send-batch.ts",
  ],
  "one state machine: each step reads and sets the same few variables, and calls the next one": [
    "src/audit/line-sink.ts",
    "src/dns/io/udp-listener.ts",
    "src/dns/upstream/hearing.ts",
    "src/netfilter/io/ruleset-monitor.ts",
  ],
  "one query at hand, which is read into the same object each time, and which each step looks at": [
    "src/dns/resolver.ts",
  ],
  "it only puts parts together, and reads from top to bottom": ["src/dns/engine.ts"],
};
/** Nobody has looked yet at how those of this folder would read in pieces. */
const NOT_LOOKED_AT = "src/relay/";

test("each file that is excused for its length says why", () => {
  const listed = excusedFrom("max-lines-per-function").filter((file) => !file.startsWith(NOT_LOOKED_AT));
  expect(Object.values(WHY_LONG).flat().toSorted()).toEqual(listed.toSorted());
});

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
