/**
 * Limits that tests wait for are in `test/support/limits.ts`, so that none is what a busy machine finds out.
 */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const OWN_LIMITS: readonly RegExp[] = [
  // As an option of a test, on one line or its own, and behind the test.
  /\b(?:test|describe)\b[^\n]*"[^\n]*\{ timeout: [\d_]+ \}/g,
  /^ *\{ timeout: [\d_]+ \},$/gm,
  /^\}, [\d_]+\);$/gm,
  // As the last argument of a wait.
  /\buntil\([^;]*?,\s*[\d_]{3,},?\s*\);/g,
  /\bpoll\([^;]*?\{[^}]*timeout: [\d_]+/g,
];

function findOwnLimits(text: string): readonly string[] {
  return OWN_LIMITS.flatMap((pattern) => text.match(pattern) ?? []);
}

test("no test has a limit of its own", () => {
  const root = new URL("./", import.meta.url);
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".test.ts"),
  );
  expect(paths.length).toBeGreaterThan(100);
  const found = paths
    .filter((path) => path !== "limits.test.ts")
    .flatMap((path) =>
      findOwnLimits(readFileSync(new URL(path, root), "utf8")).map((limit) => `${path}: ${limit}`),
    );
  expect(found).toEqual([]);
});

test.each([
  'test("a", { timeout: 5_000 }, async () => {',
  'test(\n  "a",\n  { timeout: 5_000 },\n  async () => {',
  'test("a", async () => {\n}, 5_000);\n',
  'await until("it is there", () => isThere(), 5_000);',
  'await until(\n  "it is there",\n  () => isThere(),\n  5_000,\n);',
  "await expect.poll(read, { timeout: 2000 }).toBe(1);",
])("a limit is found: %j", (text) => {
  expect(findOwnLimits(text)).not.toEqual([]);
});

test.each([
  'await until("it is there", () => isThere());',
  'await until("it is there", () => isThere(), promised(1_000));',
  'await until("many are there", () => count() > 1_000);',
])("this is none: %j", (text) => {
  expect(findOwnLimits(text)).toEqual([]);
});
