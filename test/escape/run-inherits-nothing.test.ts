/**
 * What whoever starts `egress run` had open, or where he stood, leads the command nowhere that its mounts
 * hide.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test } from "vitest";
import { createMachine, type Machine, UNTOUCHED } from "../support/machine.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab();
let machine: Machine;
beforeAll(() => {
  machine = createMachine(lab);
});
afterEach(async () => {
  assert.deepEqual(await machine.state(), UNTOUCHED);
});

/** Runs the program from a shell that has run `preparation`. */
const after = (preparation: string): readonly string[] => [
  "bash",
  "-c",
  `${preparation} && exec "$@"`,
  "bash",
];

/**
 * Prints what of the machine is in sight from a folder: the run's own folder in /run, our process in /proc,
 * disks in /dev.
 */
const look = (folder: string): string => `
  ls -d ${folder}/egress-run-* ${folder}/netns ${folder}/${process.pid} 2>/dev/null
  find ${folder}/ -maxdepth 1 -type b -print 2>/dev/null
  ( : >>${folder}/sys/kernel/core_pattern ) 2>/dev/null && echo core_pattern`;

test.each(["/proc", "/proc/sys", "/sys/kernel"])(
  "a working directory of %s shows the command its own, by any way up",
  async (place) => {
    const ways = [".", "..", "/proc/self/cwd", "/proc/self/cwd/..", "/proc/self/cwd/../..", "/proc/1/cwd"];
    // From / down, what is found is what the command may see by absolute path.
    const script = `${ways.map(look).join("\n")}\n${["run", "proc", "sys", "dev"].map((name) => look(`../${name}`)).join("\n")}; true`;
    const result = await machine.run(["--", "sh", "-c", script], { under: after(`cd ${place}`) });
    expect(result).toMatchObject({ exitCode: 0, stdout: "" });
  },
);

test.each([
  ["/run/netns", "which has a /run and a /dev of its own"],
  ["/dev/shm", "which has a /run and a /dev of its own"],
  ["/proc/$$", "or root may not enter it"],
])("in %s, which is not there inside, nothing is run", async (place, reason) => {
  const result = await machine.run(["--", "sh", "-c", "pwd; echo *"], { under: after(`cd ${place}`) });
  expect(result).toMatchObject({ exitCode: 125, stdout: "" });
  expect(result.stderr).toContain(
    `is not there for the command, ${reason}: start the run in another folder\n`,
  );
});

test("in a folder over which another one is mounted, nothing is run", async () => {
  const folder = await mkdtemp(join(tmpdir(), "egress-run-"));
  const under = ["/usr/bin/unshare", "--mount", ...after(`cd ${folder} && mount -t tmpfs over ${folder}`)];
  const result = await machine.run(["--", "ls"], { under });
  await rm(folder, { recursive: true });
  expect(result).toMatchObject({ exitCode: 125, stdout: "" });
  expect(result.stderr).toContain(`${folder}: is another folder than the one that the run was started in`);
});

test("in a folder that shows the machine's /run, nothing is run", async () => {
  const folder = await mkdtemp(join(tmpdir(), "egress-run-"));
  const under = ["/usr/bin/unshare", "--mount", ...after(`mount --bind /run ${folder} && cd ${folder}`)];
  const result = await machine.run(["--", "ls"], { under });
  await rm(folder, { recursive: true });
  expect(result).toMatchObject({ exitCode: 125, stdout: "" });
  expect(result.stderr).toContain(
    `${folder}: is not there for the command, as it shows what is the machine's`,
  );
});

test("any other working directory is the command's", async () => {
  const folder = await mkdtemp(join(tmpdir(), "egress run "));
  const result = await machine.run(["--", "sh", "-c", "pwd; pwd -P"], { under: after(`cd '${folder}'`) });
  await rm(folder, { recursive: true });
  expect(result).toMatchObject({ exitCode: 0, stdout: `${folder}\n${folder}\n` });
  expect(result.stderr).not.toContain("is not there");
});

test("a working directory that has been deleted is told in one line", async () => {
  const preparation = "gone=$(mktemp -d) && cd $gone && rmdir $gone";
  expect(await machine.run(["--", "pwd"], { under: after(preparation) })).toMatchObject({
    exitCode: 125,
    stdout: "",
    stderr: "egress run: the working directory has been deleted\n",
  });
});

test.each([
  ["standard input", "exec 0</run"],
  ["standard output", "exec 1</run"],
])("a folder as %s is refused", async (stream, preparation) => {
  const script = `${look("/proc/self/fd/0")}; ${look("/proc/self/fd/1/..")} >&2`;
  const result = await machine.run(["--", "sh", "-c", script], { under: after(preparation) });
  expect(result).toMatchObject({
    exitCode: 125,
    stdout: "",
    stderr: `egress run: ${stream}: is a folder, which leads out of the confinement; give a file, a pipe or /dev/null\n`,
  });
});

test("a folder as standard error is refused", async () => {
  const result = await machine.run(["--", "echo", "ran"], { under: after("exec 2</proc") });
  expect(result).toMatchObject({ exitCode: 125, stdout: "" });
});

test("folders as further descriptors, of any number, are not the command's", async () => {
  const fds = [3, 9, 15, 16, 20, 200];
  const ways = fds.flatMap((fd) => [`/proc/self/fd/${fd}`, `/proc/self/fd/${fd}/..`]);
  const preparation = fds.map((fd) => `exec ${fd}</run`).join(" && ");
  const open = `for fd in ${fds.join(" ")}; do
    [ -e /proc/1/fd/$fd ] && echo "process 1 has $fd"
    [ -e /proc/self/fd/$fd ] && echo "the command has $fd"
  done; true`;
  const script = [...ways.map(look), open].join("\n");
  const result = await machine.run(["--", "bash", "-c", script], { under: after(preparation) });
  expect(result).toMatchObject({ exitCode: 0, stdout: "" });
});

test("runs that end at the same moment end with their commands' exit codes", async () => {
  const runs = Array.from({ length: 6 }, (_, index) => machine.run(["--", "sh", "-c", `exit ${index + 1}`]));
  expect((await Promise.all(runs)).map(({ exitCode }) => exitCode)).toEqual([1, 2, 3, 4, 5, 6]);
});
