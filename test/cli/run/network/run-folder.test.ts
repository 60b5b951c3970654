import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeRunFolder, sweepRunFolders } from "../../../../src/cli/run/network/run-folder.ts";

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "egress-run-folders-"));
});
afterEach(() => {
  rmSync(place, { recursive: true });
});

test("folders of runs that have ended are removed and named, those of living runs and of others stay", () => {
  using living = makeRunFolder(place, { drawId: () => "0a1b2c3d", mount: undefined });
  const ended = join(place, "egress-run-4e5f6a7b");
  const others = join(place, "egress-run-notes");
  for (const path of [ended, others]) mkdirSync(path);
  expect(sweepRunFolders(place)).toEqual([ended]);
  expect([living.path, ended, others].map((path) => existsSync(path))).toEqual([true, false, true]);
  expect(sweepRunFolders(place)).toEqual([]);
});

test("a run that ends by itself leaves no folder", () => {
  const run = makeRunFolder(place, { drawId: () => "0a1b2c3d", mount: undefined });
  expect(existsSync(run.path)).toBe(true);
  run[Symbol.dispose]();
  expect(existsSync(run.path)).toBe(false);
});
