/**
 * What a command tries to get out of `egress run` by what it shares with the machine: mounts, memory, and
 * files that others read.
 */
import { chmod, chown, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { useLab } from "../support/use-lab.ts";
import { useMachine } from "../support/use-machine.ts";

const lab = useLab();
const machine = useMachine(lab);
/** Where the command may write, whoever it is. */
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "egress-run-attacks-"));
  await chmod(folder, 0o755);
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** Nobody's on this machine. */
const SOMEBODY = 61_234;

test("a second /proc, /sys, /dev or /run of the machine's, as in a chroot, is empty for the command", async () => {
  const script = `cd ${folder}; mkdir proc sys dev run; mount -t proc proc proc; mount -t sysfs sys sys
mount --rbind /dev dev; mount -t tmpfs -o mode=755 machines-run /run; echo secret >/run/of-a-daemon; mount --bind /run run
[ -e run/of-a-daemon ] && exec "$@"`;
  const under = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "sh"];
  const look = `cd ${folder}; ls; find proc sys dev run -mindepth 1; echo 0 >proc/sys/vm/overcommit_memory`;
  const { stdout, stderr } = await machine.run(["--", "sh", "-c", look], { under });
  expect(stdout).toBe("dev\nproc\nrun\nsys\n");
  expect(stderr).toContain("cannot create proc/sys/vm/overcommit_memory");
});

test("shared memory of the machine's is not the command's", async () => {
  const { stdout } = await machine.run(["--", "readlink", "/proc/self/ns/ipc", "/proc/self/ns/pid"]);
  const outside = await machine.run(["--dry-run"], {
    under: ["/bin/sh", "-c", "readlink /proc/self/ns/ipc", "sh"],
  });
  expect(stdout).toMatch(/^ipc:\[\d+\]\npid:\[\d+\]\n$/);
  expect(stdout.split("\n")[0]).not.toBe(outside.stdout.trim());
});

test("a program that the command could have put into PATH is not run with more rights than its own", async () => {
  const bin = join(folder, "bin");
  await mkdir(bin);
  for (const name of ["nft", "setpriv", "unshare", "mount", "cp", "sh", "getent", "id"]) {
    await writeFile(join(bin, name), `#!/bin/sh\ntouch ${folder}/run-by-root\nexit 1\n`, { mode: 0o755 });
  }
  await chown(bin, SOMEBODY, SOMEBODY);
  const env = { PATH: `${bin}:/usr/sbin:/usr/bin:/bin` };
  const result = await machine.run(["--user", `${SOMEBODY}:${SOMEBODY}`, "--", "printenv", "PATH"], { env });
  expect(result).toMatchObject({ exitCode: 0, stdout: `${env.PATH}\n` });
  expect(await readdir(folder)).toEqual(["bin"]);
});

test("rule files that the command writes are not those of its run", async () => {
  const rules = join(folder, "rules");
  await mkdir(rules);
  await writeFile(join(rules, "deny.always"), "two.example.org\n");
  const script = `echo one.example.org >${rules}/allow.always; rm ${rules}/deny.always; sleep 2
curl -sS --max-time 5 http://one.example.org/; curl -sS --max-time 5 http://two.example.org/; echo $?`;
  const env = { OPENSANDBOX_EGRESS_RULES_DIR: rules };
  const { stdout } = await machine.run(["--allow", "two.example.org", "--", "sh", "-c", script], { env });
  expect(stdout).toBe("6\n");
});
