/** What a run does when its sidecar renews the roots. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keepTrustFiles } from "../../../../src/cli/run/secrets/run-secrets.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "egress-run-roots-"));
  mkdirSync(join(folder, "trust"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const EVERY_MS = 2;
const extra = (): string | undefined => {
  try {
    return readFileSync(join(folder, "trust/extra.pem"), "utf8");
  } catch {
    return undefined;
  }
};

test("the command's files follow the sidecar's", async () => {
  writeFileSync(join(folder, "roots.pem"), "first\n");
  const told: string[] = [];
  using _kept = keepTrustFiles(
    "first\n",
    { folder, env: {}, onStale: (reason) => told.push(reason) },
    EVERY_MS,
  );
  writeFileSync(join(folder, "roots.pem"), "first\nsecond\n");
  await expect.poll(extra).toBe("first\nsecond\n");
  expect(told).toEqual([]);
});

test("a failure is told once until it is over, and tried again", async () => {
  const told: string[] = [];
  using _kept = keepTrustFiles(
    "first\n",
    { folder, env: {}, onStale: (reason) => told.push(reason) },
    EVERY_MS,
  );
  await expect.poll(() => told.length).toBe(1);
  writeFileSync(join(folder, "roots.pem"), "second\n");
  await expect.poll(extra).toBe("second\n");
  rmSync(join(folder, "roots.pem"));
  await expect.poll(() => told.length).toBe(2);
  expect(told[1]).toContain("ENOENT");
});

test("nothing is written once it is disposed of", async () => {
  writeFileSync(join(folder, "roots.pem"), "second\n");
  const told: string[] = [];
  const place = { folder, env: {}, onStale: (reason: string) => told.push(reason) };
  keepTrustFiles("first\n", place, EVERY_MS)[Symbol.dispose]();
  using _other = keepTrustFiles("second\n", { ...place, folder: join(folder, "gone") }, EVERY_MS);
  await expect.poll(() => told.length).toBe(1);
  expect(extra()).toBeUndefined();
});
