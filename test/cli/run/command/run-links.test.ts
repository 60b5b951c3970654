import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeHiddenProgram, findRunLinks } from "../../../../src/cli/run/command/run-links.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "egress-run-links-"));
  mkdirSync(join(folder, "system/bin"), { recursive: true });
  writeFileSync(join(folder, "system/bin/hello"), "#!/bin/sh\n");
  chmodSync(join(folder, "system/bin/hello"), 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

test("links that lead outside are found, and no others", () => {
  const run = join(folder, "run");
  mkdirSync(join(run, "user"), { recursive: true });
  symlinkSync("../system", join(run, "current-system"));
  symlinkSync("/dev/null", join(run, "nothing"));
  symlinkSync("/run", join(run, "again"));
  symlinkSync("gone", join(run, "broken"));
  expect(findRunLinks(run)).toEqual([{ name: "current-system", target: join(folder, "system") }]);
  expect(findRunLinks(join(folder, "none"))).toEqual([]);
});

test("a program that only /dev and /run have is told, with the remedy", () => {
  const place = mkdtempSync("/dev/shm/egress-run-links-");
  const program = join(place, "hello");
  writeFileSync(program, "#!/bin/sh\n");
  chmodSync(program, 0o755);
  symlinkSync(program, join(folder, "linked"));
  const ask = (name: string, path = place): string | undefined =>
    describeHiddenProgram(name, { path, directory: folder });
  const told = `${program} is not there for the command, which has a /run and /dev of its own: copy it`;
  expect(ask("hello")).toContain(told);
  expect(ask(program)).toContain(told);
  expect(ask("linked", folder)).toContain("/linked is not there for the command");
  expect(ask("hello", `${place}:${folder}/system/bin`)).toBeUndefined();
  expect(ask("system/bin/hello")).toBeUndefined();
  expect(ask("no-such-program")).toBeUndefined();
  rmSync(place, { recursive: true });
});
