/** Whom the command of `egress run` is, and what it may do as that. */
import { chownSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openShellTerminal } from "../support/shell-terminal.ts";
import { useLab } from "../support/use-lab.ts";
import { useMachine } from "../support/use-machine.ts";

const lab = useLab();
const machine = useMachine(lab);

/**
 * What sudo sets for whoever it runs; Debian's user `games` has the uid 5, the group 60 and the home
 * /usr/games.
 */
const SUDO = {
  SUDO_UID: "5",
  SUDO_GID: "60",
  SUDO_USER: "games",
  SUDO_COMMAND: "egress",
  HOME: "/root",
  USER: "root",
};

const WHO = 'id -u; id -g; id -G; echo "$HOME $USER $LOGNAME $SHELL"; env | grep -c ^SUDO';

test("under sudo the command is who called it, groups and environment included", async () => {
  const result = await machine.run(["--", "sh", "-c", WHO], { env: SUDO });
  expect(result.stdout).toBe("5\n60\n60\n/usr/games games games /usr/sbin/nologin\n0\n");
});

test.each([
  ["games", "5\n60\n60\n/usr/games games games /usr/sbin/nologin\n0\n"],
  ["5", "5\n60\n60\n/usr/games games games /usr/sbin/nologin\n0\n"],
  ["5:7", "5\n7\n7\n/usr/games games games /usr/sbin/nologin\n0\n"],
  ["4711:4712", "4711\n4712\n4712\n/ 4711 4711 /bin/sh\n0\n"],
  ["root", "0\n0\n0\n/root root root /bin/bash\n4\n"],
])("--user %s says otherwise", async (user, who) => {
  const env = { ...SUDO, SUDO_UID: "33", LOGNAME: "root", SHELL: "/bin/bash" };
  expect((await machine.run(["--user", user, "--", "sh", "-c", WHO], { env })).stdout).toBe(who);
});

test.each([
  ["nobody-of-that-name", '--user: "nobody-of-that-name": this machine knows no such user'],
  ["4711", '--user: "4711": it has no group here: give UID:GID'],
  ["a:b", '--user: "a:b" is no user; give NAME, UID or UID:GID'],
  ["", '--user: "" is no user; give NAME, UID or UID:GID'],
])("--user %s is refused", async (user, message) => {
  const result = await machine.run(["--user", user, "--", "true"]);
  expect(result).toMatchObject({ exitCode: 125, stderr: `egress run: ${message}\n` });
});

test("it has no capability and can get none, and files that it makes are its own", async () => {
  const folder = await mkdtemp(join(tmpdir(), "egress-run-user-"));
  chownSync(folder, 5, 60);
  const script = `grep -E "Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs" /proc/self/status; touch made; touch /etc/made 2>/dev/null; echo $?`;
  const under = ["sh", "-c", `cd ${folder} && exec "$@"`, "sh"];
  const { stdout } = await machine.run(["--", "sh", "-c", script], { env: SUDO, under });
  const { uid, gid } = statSync(join(folder, "made"));
  await rm(folder, { recursive: true });
  expect({ uid, gid }).toEqual({ uid: 5, gid: 60 });
  const none = "0000000000000000";
  expect(stdout).toBe(
    `${["Inh", "Prm", "Eff", "Bnd", "Amb"].map((set) => `Cap${set}:\t${none}\n`).join("")}NoNewPrivs:\t1\n1\n`,
  );
});

test.each(["027", "077"])("it has its places with the caller's umask %s, which it keeps", async (umask) => {
  const script =
    "umask; cat /etc/resolv.conf; echo . >/dev/null && touch /dev/shm/made /run/lock/made && ls /run /dev/pts";
  const under = ["sh", "-c", `umask ${umask} && exec "$@"`, "sh"];
  const { stdout, stderr } = await machine.run(["--quiet", "--", "sh", "-c", script], { env: SUDO, under });
  expect(stderr).toBe("");
  expect(stdout).toMatch(new RegExp(`^0${umask}\\nnameserver `));
});

test("its processes end with a run that is killed", async () => {
  const run = machine.start(["--", "sh", "-c", "echo ready; exec sleep 60"], { env: SUDO });
  await expect.poll(run.stdout).toContain("ready");
  const pids = machine.insiders(run);
  run.process.kill("SIGKILL");
  await run.end;
  await expect.poll(() => pids.filter((pid) => isThere(pid))).toEqual([]);
  expect(await machine.run(["--", "true"])).toMatchObject({ exitCode: 0 });
});

test("a terminal is its own, by name", async () => {
  await using shell = await openShellTerminal(machine.spawn);
  const said = await shell.run(
    "egress run --user games -- sh -c 'id -un; stat -c %U $(tty); echo opened >$(tty)'",
  );
  expect(said).toContain("games\r\ngames\r\nopened\r\n");
});

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
