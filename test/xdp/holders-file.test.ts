import { lstat, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readHolders, writeHolders } from "../../src/xdp/io/holders-file.ts";

const HOLDER = { pid: 7, startTime: "70", interfaceIndex: 2, queues: [0], inodes: [700] };

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holders-"));
  path = join(folder, "queue-holders.json");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("what is written is read again, and is for its owner alone", async () => {
  writeHolders(path, [HOLDER]);
  expect(readHolders(path)).toEqual([HOLDER]);
  expect((await lstat(path)).mode & 0o777).toBe(0o600);
  writeHolders(path, []);
  expect(readHolders(path)).toEqual([]);
});

test("links that stand in the way are replaced, not followed", async () => {
  const elsewhere = join(folder, "elsewhere");
  await writeFile(elsewhere, "another file");
  await symlink(elsewhere, path);
  await symlink(elsewhere, `${path}.new`);
  writeHolders(path, [HOLDER]);
  expect(await readFile(elsewhere, "utf8")).toBe("another file");
  expect((await lstat(path)).isFile()).toBe(true);
});
