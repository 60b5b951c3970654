import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { planStart, renderStart, requireStartable } from "../../../../src/cli/run/command/exact-start.ts";
import { decodeOctets } from "../../../../src/cli/run/given/octet-text.ts";
import { readExecLimits } from "../../../../src/sys/exec-limits.ts";

const TOOLS = { env: "/usr/bin/env", setpriv: "/usr/bin/setpriv" };
const EVERY = decodeOctets(Buffer.from(Array.from({ length: 255 }, (_none, index) => index + 1)));
const ENV = { "A-B": "1", "it's \\ # ${X}\n": "2", PPID: "3", PATH: "/usr/bin", PWD: "/x", _0: "4", EVERY };
const SHELLS = ["/bin/dash", "/bin/bash", "/usr/bin/busybox"];

test.each(SHELLS.filter((file) => existsSync(file)))("as sh, %s hands on every octet", (file) => {
  const folder = mkdtempSync(join(tmpdir(), "egress-exact-start-"));
  const start = join(folder, "start");
  const command = ["/bin/cat", "/proc/self/cmdline", "/proc/self/environ", EVERY] as const;
  writeFileSync(start, renderStart(planStart(command, ENV, TOOLS)));
  const given = ["-c", '. "$1"; exec "$@"', "sh", start];
  const { stdout } = spawnSync(file, given, { argv0: "sh", env: { PATH: "/bin:/usr/bin" } });
  rmSync(folder, { recursive: true });
  const variables = Object.entries(ENV).map(([name, value]) => `${name}=${value}`);
  // Their order is env(1)'s own.
  expect(decodeOctets(stdout).split("\0").toSorted()).toEqual([...command, ...variables, ""].toSorted());
});

test("no value is in the arguments", () => {
  const { argv } = planStart(["true"], { "A-B": "s3cr3t", C: "s3cr3t" }, TOOLS);
  expect(Buffer.concat(argv).includes("s3cr3t")).toBe(false);
});

test("what the kernel would not take is refused, by name", () => {
  const limits = readExecLimits();
  const judge = (env: Readonly<Record<string, string>>, argument = ""): string => {
    const result = requireStartable(planStart(["true", argument], env, TOOLS), limits);
    return result.ok ? "" : result.problems.map(({ message }) => message).join();
  };
  expect(judge({ A: "x" })).toBe("");
  expect(judge({ A: "x".repeat(131_069) })).toContain('the variable "A" has 131069 octets');
  expect(judge({}, "x".repeat(131_072))).toContain("an argument of the command has more than 131071 octets");
  const many = Array.from({ length: 70 }, (_none, index) => [`V${index}`, "x".repeat(100_000)]);
  expect(judge(Object.fromEntries(many))).toMatch(
    /are \d+ KiB at its start, and the kernel takes \d+ KiB: .*"V0"/,
  );
});
