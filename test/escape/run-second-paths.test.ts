/**
 * The files of a run (its socket, which takes every change, its rules, its mounts) where the machine shows
 * one folder at two places, or where another run of the same user keeps its own elsewhere: no path of a
 * command leads to them.
 */
import { chownSync, mkdirSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { EGRESS } from "../support/machine.ts";
import { useLab } from "../support/use-lab.ts";
import { useMachine } from "../support/use-machine.ts";
import { asUser, makePlaceOf } from "../support/without-root.ts";

const UID = 48_221;
const GID = 48_222;

const lab = useLab();
const machine = useMachine(lab);
let place: string;
let folder: string;
beforeAll(async () => {
  place = await makePlaceOf(UID, GID);
  folder = await mkdtemp(join(tmpdir(), "egress-second-paths-"));
});
afterAll(() => {
  for (const path of [place, folder]) rmSync(path, { recursive: true, force: true });
});

const envOf = (tmp: string) => ({ TMPDIR: tmp, XDG_RUNTIME_DIR: undefined, HOME: place });

function folderOfUser(name: string): string {
  const path = join(place, name);
  mkdirSync(path);
  chownSync(path, UID, GID);
  return path;
}

/** As if `under` had bound the one folder to the other before. */
function bound(from: string, to: string, under: readonly string[]): readonly string[] {
  const script = `mount --bind ${from} ${to} && exec "$@"`;
  return ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "sh", ...under];
}

/** Changes the policy by what it finds below the place, and tells what that is, and whether it has helped. */
const attack = (
  found: string,
): string => `echo "found: $(find ${found} \\( -type s -o -path '*/egress-run-*/*' \\) \
  ! -name command 2>/dev/null | head -3)"
for socket in $(find ${found} -name egress.sock 2>/dev/null); do
  curl -s --unix-socket $socket -X PATCH -d '[{"action":"allow","target":"198.51.100.2"}]' http://x/policy
done
curl -s --max-time 3 http://198.51.100.2/ || echo held`;

const HELD = "found: \nheld\n";

test("without root, where the folder for temporary files is seen twice", async () => {
  const [tmp, mirror] = [folderOfUser("tmp"), folderOfUser("var-tmp")];
  const under = bound(tmp, mirror, asUser(UID, GID));
  const env = envOf(tmp);
  const script = `${attack(mirror)}; mkdir ${mirror}/egress-${UID}/made && echo made`;
  const { stdout } = await machine.run(["--", "sh", "-c", script], { under, env });
  expect(stdout).toBe(HELD);
});

test("without root, where another run has its folder elsewhere", async () => {
  const [own, others] = [folderOfUser("own-tmp"), folderOfUser("others-tmp")];
  const under = asUser(UID, GID);
  const wait = [
    "--",
    "sh",
    "-c",
    "echo ready; read line; curl -s --max-time 3 http://198.51.100.2/ || echo held",
  ];
  const other = await machine.startReady(wait, { under, env: envOf(others) });
  const { stdout } = await machine.run(["--", "sh", "-c", attack(others)], { under, env: envOf(own) });
  expect(stdout).toBe(HELD);
  other.process.stdin.end("go\n");
  expect(await other.end).toMatchObject({ exitCode: 0, stdout: "ready\nheld\n" });
});

test("without root, where another run puts rules of its own in the place of the files", async () => {
  const [own, others] = [folderOfUser("rules-tmp"), folderOfUser("ruled-tmp")];
  const under = asUser(UID, GID);
  const fetch = "curl -s --max-time 3 http://198.51.100.2/ || echo held";
  const wait = ["--", "sh", "-c", `echo ready; read line; ${fetch}`];
  const other = await machine.startReady(wait, { under, env: envOf(others) });
  // A folder that is a mount point in another namespace can be removed, and its mount goes there.
  const script = `for run in ${others}/egress-${UID}/egress-run-*; do
  for files in $run $run/own /dev/shm /dev/shm/\${run##*/}; do
    rm -rf $files/*; mkdir -p $files/rules; echo 198.51.100.2 >$files/rules/allow.always
  done
done
sleep 3; cat ${others}/egress-${UID}/*/rules/allow.always`;
  const { stdout } = await machine.run(["--", "sh", "-c", script], { under, env: envOf(own) });
  other.process.stdin.end("go\n");
  expect(stdout).toBe("198.51.100.2\n");
  expect(await other.end).toMatchObject({ exitCode: 0, stdout: "ready\nheld\n" });
});

test("a folder that a command has made like a run's is none", async () => {
  const [own, others] = [folderOfUser("runs-tmp"), folderOfUser("fake-tmp")];
  const fake = `${others}/egress-${UID}/egress-run-0a1b2c3d`;
  const script = `umask 077; mkdir -p ${fake}; echo "$$: made" >${fake}/command
exec python3 -c '
import fcntl, os, socket
listener = socket.socket(socket.AF_UNIX)
listener.bind("${fake}/egress.sock")
listener.listen()
fcntl.flock(os.open("${fake}", os.O_RDONLY), fcntl.LOCK_EX)
print("ready", flush=True)
input()'`;
  const env = envOf(own);
  const run = await machine.startReady(["--", "sh", "-c", script], { under: asUser(UID, GID), env });
  const user = ["/usr/bin/setpriv", `--reuid=${UID}`, `--regid=${GID}`, "--clear-groups"];
  const [file, ...args] = [...user, ...EGRESS, "policy", "get", "--run"];
  const asked = (TMPDIR: string) =>
    execIn(lab.sandbox, [file, ...args], { env: { ...process.env, ...env, TMPDIR } });
  const [ofFake, ofOwn] = [await asked(others), await asked(own)];
  run.process.stdin.end("\n");
  await run.end;
  expect(ofFake).toMatchObject({ exitCode: 78, stderr: expect.stringContaining("no run is under way") });
  expect(ofOwn).toMatchObject({ exitCode: 0 });
});

test("as root, where the machine's disk is seen twice", async () => {
  const [file = "", ...rest] = bound("/", folder, []);
  const script = `${attack(`${folder}/run`)}; ls -A ${folder}/run; ls ${folder} | grep -x etc`;
  const { stdout } = await machine.run(["--", "sh", "-c", script], { under: [file, ...rest] });
  expect(stdout).toBe(`${HELD}etc\n`);
});
