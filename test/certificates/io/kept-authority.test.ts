import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openKeptAuthority } from "../../../src/certificates/io/kept-authority.ts";
import { until } from "../../support/until.ts";

const HOST = "api.example.org";

let folder = "";
let path = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "egress-kept-"));
  path = join(folder, "ca.pem");
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

interface Told {
  replaced: number;
  readonly faults: unknown[];
}

async function open(told: Told = { replaced: 0, faults: [] }): ReturnType<typeof openKeptAuthority> {
  return openKeptAuthority({
    path,
    onReplaced: () => void (told.replaced += 1),
    onFault: (error) => void told.faults.push(error),
  });
}

const countRoots = (): number => readFileSync(path, "utf8").split("BEGIN").length - 1;

test("the first act is to remove what is there", async () => {
  writeFileSync(path, "an old root");
  await using _authority = await open();
  expect(existsSync(path)).toBe(false);
});

test("once a host is covered, the file has its root; at the end it is removed", async () => {
  const authority = await open();
  await authority.cover([HOST]);
  expect(countRoots()).toBe(1);
  await authority.cover([HOST, "files.example.net"]);
  expect(countRoots()).toBe(2);
  expect(authority.leafFor(HOST)).toBeDefined();
  await authority[Symbol.asyncDispose]();
  expect(existsSync(path)).toBe(false);
});

test("what the workload does to the file is undone", async () => {
  const told: Told = { replaced: 0, faults: [] };
  await using authority = await open(told);
  await authority.cover([HOST]);
  writeFileSync(path, "the workload's own root");
  vi.advanceTimersByTime(5_000);
  await until("the file is written again", () => told.replaced === 1);
  expect(countRoots()).toBe(1);
});

test("a file that cannot be written is told of, by the caller's call and once later, and is written as soon as it can be", async () => {
  const told: Told = { replaced: 0, faults: [] };
  await using authority = await open(told);
  rmSync(folder, { recursive: true });
  writeFileSync(folder, "no folder");
  await expect(authority.cover([HOST])).rejects.toThrow(path);
  vi.advanceTimersByTime(15_000);
  await until("the fault is told", () => told.faults.length === 1);
  rmSync(folder);
  mkdirSync(folder);
  await until("the file is written", () => {
    vi.advanceTimersByTime(5_000);
    return existsSync(path) && countRoots() === 1;
  });
  expect(told.faults).toHaveLength(1);
});
