import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CaFileError } from "../../../src/certificates/errors.ts";
import { createCaFile } from "../../../src/certificates/io/ca-file.ts";

const TEXT = "-----BEGIN CERTIFICATE-----\n";

let folder = "";
let path = "";
let elsewhere = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "egress-ca-"));
  mkdirSync(join(folder, "shared"));
  path = join(folder, "shared", "ca.pem");
  elsewhere = join(folder, "elsewhere");
  writeFileSync(elsewhere, "somebody else's", { mode: 0o600 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What a workload may have put there. */
const HOSTILE: Readonly<Record<string, () => void>> = {
  "a symlink to another file": () => symlinkSync(elsewhere, path),
  "a symlink to nowhere": () => symlinkSync(join(folder, "new"), path),
  "a symlink to itself": () => symlinkSync(path, path),
  "a hard link to another file": () => linkSync(elsewhere, path),
  "an empty folder": () => mkdirSync(path),
  "a folder with something in it": () => {
    mkdirSync(join(path, "deep"), { recursive: true });
    writeFileSync(join(path, "deep", "file"), "");
  },
  "a FIFO, which nobody reads": () => void execFileSync("mkfifo", [path]),
  "a file of its own": () => writeFileSync(path, "another root", { mode: 0o666 }),
  nothing: () => undefined,
};

describe.each(Object.entries(HOSTILE))("where the workload has put %s", (_what, put) => {
  test("the file is written in its place, readable by all, and nothing else is touched", async () => {
    put();
    await createCaFile(path).write(TEXT);
    expect(readFileSync(path, "utf8")).toBe(TEXT);
    expect(lstatSync(path).isFile()).toBe(true);
    expect(lstatSync(path).mode & 0o7777).toBe(0o644);
    expect([readFileSync(elsewhere, "utf8"), lstatSync(elsewhere).mode & 0o777]).toEqual([
      "somebody else's",
      0o600,
    ]);
    expect(existsSync(join(folder, "new"))).toBe(false);
  });

  test("it is removed, and what it links to is not", async () => {
    put();
    await createCaFile(path).remove();
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined();
    expect(readFileSync(elsewhere, "utf8")).toBe("somebody else's");
  });
});

test("a write leaves nothing beside the file", async () => {
  const file = createCaFile(path);
  await file.write(TEXT);
  await file.write(`${TEXT}${TEXT}`);
  expect(readdirSync(join(folder, "shared"))).toEqual(["ca.pem"]);
});

test("the folder is made if it is not there", async () => {
  const deep = join(folder, "one", "two", "ca.pem");
  await createCaFile(deep).write(TEXT);
  expect(readFileSync(deep, "utf8")).toBe(TEXT);
});

test("a failure is told with the path, and leaves nothing beside it", async () => {
  const below = join(elsewhere, "ca.pem");
  const failure = createCaFile(below).write(TEXT);
  await expect(failure).rejects.toThrow(CaFileError);
  await expect(failure).rejects.toThrow(below);
  expect(readdirSync(folder).toSorted()).toEqual(["elsewhere", "shared"]);
});

describe("whether the file is the one that was written", () => {
  const changes: Readonly<Record<string, () => void>> = {
    removed: () => rmSync(path),
    "written to": () => writeFileSync(path, "another text"),
    "replaced by another": () => {
      writeFileSync(`${path}2`, TEXT);
      renameSync(`${path}2`, path);
    },
    "closed to others": () => chmodSync(path, 0o600),
    "replaced by a link to it": () => {
      renameSync(path, `${path}2`);
      symlinkSync(`${path}2`, path);
    },
  };

  test.each(Object.entries(changes))("not once the workload has %s it", async (_how, change) => {
    const file = createCaFile(path);
    await file.write(TEXT);
    expect(await file.isOurs()).toBe(true);
    change();
    expect(await file.isOurs()).toBe(false);
  });

  test("not before one was written", async () => {
    writeFileSync(path, TEXT);
    expect(await createCaFile(path).isOurs()).toBe(false);
  });
});
