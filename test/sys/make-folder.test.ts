/** Files in a folder that others make and remove as well. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeFolder, writeIntoFolder } from "../../src/sys/make-folder.ts";
import { withUmask } from "../../src/sys/umask.ts";

let place = "";
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "egress-folder-"));
});
afterEach(() => rmSync(place, { recursive: true }));

test("folders above are made, and one that is there is left as it is", () => {
  const path = join(place, "a/b/file");
  writeIntoFolder(path, "one");
  writeIntoFolder(path, "two");
  expect(readFileSync(path, "utf8")).toBe("two");
});

test("others may look into it, whatever the umask, which stays as it was", () => {
  withUmask(0o077, () => {
    makeFolder(join(place, "a/b"));
    expect(process.umask()).toBe(0o077);
  });
  for (const path of ["a", "a/b"]) expect(statSync(join(place, path)).mode & 0o777).toBe(0o755);
});

test("the umask is put back behind an act that fails", () => {
  const before = process.umask();
  expect(() => withUmask(0o077, () => JSON.parse("{"))).toThrow(SyntaxError);
  expect(process.umask()).toBe(before);
});

test("a file where the folder should be is told", () => {
  writeFileSync(join(place, "a"), "");
  expect(() => makeFolder(join(place, "a/b"))).toThrow("EEXIST");
  expect(() => writeIntoFolder(join(place, "a/b/file"), "text")).toThrow("EEXIST");
});

test("it is written though somebody removes the folder whenever it is empty", async () => {
  const folder = join(place, "shared");
  const path = join(folder, "file");
  const script =
    'const { rmdirSync } = require("node:fs"); for (;;) try { rmdirSync(process.argv[1]) } catch {}';
  const other = spawn(process.execPath, ["-e", script, folder], { stdio: "ignore" });
  const end = once(other, "exit");
  try {
    await once(other, "spawn");
    for (let round = 0; round < 2_000; round++) {
      writeIntoFolder(path, String(round));
      expect(readFileSync(path, "utf8")).toBe(String(round));
      rmSync(path);
    }
  } finally {
    other.kill("SIGKILL");
    await end;
  }
});
