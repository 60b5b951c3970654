/**
 * A command that is root in a user and a cgroup namespace of its own mounts the machine's cgroup2, from the
 * cgroup of the run on, and kills or freezes that: itself with it, so nothing stays open.
 */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseMountInfo } from "../../src/cli/run/command/mount-table.ts";
import { UNTOUCHED } from "../support/machine.ts";
import { skipBecause } from "../support/skip.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { useMachine } from "../support/use-machine.ts";

const lab = useLab({ ipv6: false });
const machine = useMachine(lab);

/** Of the run, and of nobody else; undefined without cgroup2. */
let group: string | undefined;
beforeEach(() => {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  const root = parseMountInfo(mounts).find(({ type }) => type === "cgroup2")?.point;
  group = root === undefined ? undefined : join(root, `egress-test-${process.pid}`);
  if (group !== undefined) mkdirSync(group);
});
afterEach(async () => {
  if (group === undefined) return;
  const folder = group;
  await until("the group is empty", () => readGroup(folder, "cgroup.procs") === "");
  rmdirSync(folder);
});

const readGroup = (folder: string, name: string): string => readFileSync(join(folder, name), "utf8");

const enter = (folder: string): readonly string[] => [
  "/bin/sh",
  "-c",
  `echo $$ >${folder}/cgroup.procs && exec "$@"`,
  "sh",
];

/** Writes 1 to the file of its own cgroup, then goes on. */
const attack = (name: string): string =>
  `unshare --user --map-root-user --mount --cgroup sh -c 'mount -t cgroup2 own /mnt && echo 1 >/mnt/${name}' 2>&1
curl -sS --max-time 5 http://two.example.org/ || echo denied`;

test("a killed cgroup takes the run with its command, and the next run undoes the rest", async (context) => {
  if (group === undefined) skipBecause(context, "this machine has no cgroup2");
  const run = await machine.run(["--", "sh", "-c", attack("cgroup.kill")], { under: enter(group) });
  expect(run.stdout).not.toContain("hello");
  const folder = group;
  await until("all of it has ended", () => readGroup(folder, "cgroup.procs") === "");
  expect((await machine.run(["--clean"])).exitCode).toBe(0);
  expect(await machine.state()).toEqual(UNTOUCHED);
});

test("a frozen cgroup freezes the command with the run, and once it goes on the policy holds", async (context) => {
  if (group === undefined) skipBecause(context, "this machine has no cgroup2");
  const folder = group;
  const run = machine.start(["--", "sh", "-c", attack("cgroup.freeze")], { under: enter(folder), input: "" });
  // A cgroup2 that is mounted with nsdelegate refuses it, and the run just ends.
  await until(
    "it is frozen, or the run has ended",
    () => run.process.hasEnded() || readGroup(folder, "cgroup.events").includes("frozen 1"),
  );
  expect(run.stdout()).not.toContain("hello");
  writeFileSync(join(folder, "cgroup.freeze"), "0");
  const { exitCode, stdout } = await run.end;
  expect({ exitCode, said: stdout.endsWith("denied\n") }).toEqual({ exitCode: 0, said: true });
});
