/**
 * `egress run` of a user who is not root, on a machine that a namespace plays: pasta(1) joins the run to that
 * one's network.
 */
import assert from "node:assert/strict";
import { chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { configure, execIn, spawnIn } from "../../src/netns/namespace.ts";
import { createMachine, EGRESS, type Machine, UNTOUCHED } from "../support/machine.ts";
import { skipBecause } from "../support/skip.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { asUser, makePlaceOf } from "../support/without-root.ts";

const UID = 48_211;
const GID = 48_212;
const AS_USER = ["/usr/bin/setpriv", `--reuid=${UID}`, `--regid=${GID}`, "--clear-groups"];
const under = asUser(UID, GID);

const lab = useLab();
let machine: Machine;
let place: string;
let env: Readonly<Record<string, string | undefined>>;
beforeAll(async () => {
  await configure(lab.sandbox, [
    "addr add 192.0.2.77/32 dev lo",
    "addr add 192.0.9.1/24 dev lo",
    "addr add 2001:db8:77::1/128 dev lo nodad",
  ]);
  machine = createMachine(lab);
  place = await makePlaceOf(UID, GID);
  env = { TMPDIR: place, XDG_RUNTIME_DIR: undefined, HOME: place };
});
afterAll(() => rm(place, { recursive: true, force: true }));
afterEach(async () => {
  assert.deepEqual(await machine.state(), UNTOUCHED);
});

const run = (...args: readonly string[]) => machine.run(args, { under, env });
const fetchAll = (...urls: readonly string[]): readonly string[] => {
  const script = urls
    .map((url) => `curl -gsS --max-time 3 '${url}' 2>/dev/null || echo "exit $?"`)
    .join("; ");
  return ["--", "sh", "-c", script];
};

test("an allowed name is fetched; a denied name and a denied address are refused", async () => {
  const urls = ["http://one.example.org/", "http://two.example.org/", "http://198.51.100.2/"];
  const result = await run("--allow", "one.example.org", ...fetchAll(...urls));
  expect(result).toMatchObject({
    exitCode: 0,
    stdout: "hello from 198.51.100.1\nexit 6\nexit 7\n",
  });
  expect(result.stderr).toContain("denied two.example.org (");
  expect(result.stderr).toContain("denied 198.51.100.2 tcp 80 (");
  expect(result.stderr.match(/without root: .*/g)).toHaveLength(1);
});

test("IPv6 is there where the machine has it", async (context) => {
  if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
  const result = await run("--allow", "one.example.org", "--", "curl", "-sS6", "http://one.example.org/");
  expect(result).toMatchObject({ exitCode: 0, stdout: "hello from 2001:db8:100::1\n" });
});

const PORT = 8099;
const SERVER = `import socket, threading
for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
    server = socket.create_server((address, ${PORT}), family=family)
    def serve(server=server):
        while True:
            connection = server.accept()[0]
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nmachine\\n")
            connection.close()
    threading.Thread(target=serve).start()
print("ready", flush=True)`;

test("pasta leads neither to the machine's loopback nor to its own addresses, and metadata stays denied", async (context) => {
  if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
  const server = spawnIn(lab.sandbox, ["python3", "-c", SERVER]);
  let said = "";
  server.stdout.on("data", (octets) => (said += String(octets)));
  await until("the server listens", () => said.includes("ready"));
  try {
    const own = [
      "127.0.0.1",
      "[::1]",
      "192.0.2.2",
      "192.0.2.77",
      "192.0.9.9",
      "[2001:db8::2]",
      "[2001:db8:77::1]",
    ];
    const urls = own.map((address) => `http://${address}:${PORT}/`);
    const [, ...script] = fetchAll(...urls);
    const onMachine = await execIn(lab.sandbox, ["sh", "-c", script[2] ?? ""]);
    expect(onMachine.stdout).toBe("machine\n".repeat(own.length));
    // With pasta's own settings the gateways' addresses stand for the machine's loopback.
    const gateways = [`http://192.0.2.1:${PORT}/`, `http://[2001:db8::1]:${PORT}/`];
    const denied = ["http://169.254.169.254/", "http://[fd00:ec2::254]/"];
    const all = [...urls, ...gateways, ...denied, "http://198.51.100.1/"];
    const result = await run("--default", "allow", ...fetchAll(...all));
    const lines = result.stdout.trim().split("\n");
    expect(lines.at(-1)).toBe("hello from 198.51.100.1");
    expect(lines.slice(0, -1)).toEqual(all.slice(0, -1).map(() => expect.stringMatching(/^exit (7|28)$/)));
  } finally {
    server.kill("SIGKILL");
    await server.end;
  }
});

test("the command is the caller, has no capability, and files that it makes are the caller's", async () => {
  const script =
    "id -u; id -g; grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs' /proc/self/status; touch made; nft flush ruleset 2>&1 | grep -o 'not permitted'";
  const result = await run("--", "sh", "-c", `cd ${place}; ${script}`);
  const sets = ["Inh", "Prm", "Eff", "Bnd", "Amb"].map((set) => `Cap${set}:\t0000000000000000\n`).join("");
  expect(result.stdout).toBe(`${UID}\n${GID}\n${sets}NoNewPrivs:\t1\nnot permitted\n`);
  const { uid, gid } = statSync(join(place, "made"));
  expect({ uid, gid }).toEqual({ uid: UID, gid: GID });
});

test("the command finds no way to the run's folder, and no capability over its network in namespaces of its own", async () => {
  const runs = join(place, `egress-${UID}`);
  const attempts = [
    `ls -A ${runs}`,
    `unshare --user --map-root-user --mount sh -c 'umount ${runs}; ls -A ${runs}'`,
    `unshare --user --map-root-user --mount sh -c 'mkdir -p ${place}/bound; mount --bind ${place} ${place}/bound; ls -A ${place}/bound/egress-${UID}'`,
    "unshare --user --map-root-user ip link set eth0 down",
    "unshare --user --map-root-user nft flush ruleset",
    `mv ${runs} ${place}/moved`,
  ];
  const script = `${attempts.map((one) => `${one} 2>/dev/null && echo done || echo failed`).join("; ")}; curl -gsS --max-time 3 http://198.51.100.2/ 2>/dev/null || echo held`;
  const result = await run("--", "sh", "-c", script);
  expect(result.stdout).toBe(["done", "done", "failed", "failed", "failed", "failed", "held", ""].join("\n"));
});

test("the command's exit code is the run's, and its standard input is the caller's", async () => {
  const result = await machine.run(["--", "sh", "-c", "tr a-z A-Z; exit 7"], {
    under,
    env,
    input: "words\n",
  });
  expect(result).toMatchObject({ exitCode: 7, stdout: "WORDS\n" });
  await until("all of its processes have ended", () => processesOfUser().length === 0);
});

test("no process stays behind a run that is killed, and the next one removes its folder", async () => {
  const started = await machine.startReady(["--", "sh", "-c", "echo ready; exec sleep 60"], { under, env });
  await until("the command and pasta run", () => {
    const names = processesOfUser();
    return names.includes("sleep") && names.some((name) => /^pas(ta|st)/.test(name));
  });
  started.process.kill("SIGKILL");
  await started.end;
  await until("all of its processes have ended", () => processesOfUser().length === 0);
  expect(readdirSync(join(place, `egress-${UID}`))).toHaveLength(1);
  expect(await run("--", "true")).toMatchObject({ exitCode: 0 });
  expect(readdirSync(join(place, `egress-${UID}`))).toEqual([]);
});

test("its caller, and nobody else, changes the policy of a run under way", async () => {
  const url = "http://198.51.100.2/";
  const command = ["sh", "-c", `echo ready; until curl -sS --max-time 1 ${url}; do sleep 0.1; done`];
  const started = await machine.startReady(["--quiet", "--", ...command], { under, env });
  const patch = ["policy", "patch", "--run", "--allow", "198.51.100.2"];
  const others = ["/usr/bin/setpriv", "--reuid=4713", "--regid=4713", "--clear-groups"];
  const result = await execFileIn([...others, ...EGRESS, ...patch]);
  expect(result.exitCode).not.toBe(0);
  expect(await execFileIn([...AS_USER, ...EGRESS, ...patch])).toMatchObject({ exitCode: 0 });
  expect(await started.end).toMatchObject({ exitCode: 0, stdout: "ready\nhello from 198.51.100.2\n" });
});

test("where the path of temporary files is longer than a socket's may be, its caller finds the run", async () => {
  const long = join(place, "x".repeat(120));
  mkdirSync(long);
  chownSync(long, UID, GID);
  const inLong = { ...env, TMPDIR: long };
  const started = await machine.startReady(["--", "sh", "-c", "echo ready; read line"], {
    under,
    env: inLong,
  });
  const [file, ...args] = [...AS_USER, ...EGRESS, "policy", "get", "--run"];
  const asked = await execIn(lab.sandbox, [file, ...args], { env: { ...process.env, ...inLong } });
  started.process.stdin.end("\n");
  expect(await started.end).toMatchObject({ stdout: "ready\n" });
  expect(asked).toMatchObject({ exitCode: 0 });
});

test("on a terminal of the caller's the command has one of its own", async () => {
  const line = `${[...EGRESS, "run"].join(" ")} -- sh -c 'tty; stat -c %u $(tty); echo opened >$(tty)'`;
  const child = machine.spawn([...under, "env", `TMPDIR=${place}`, "script", "-qec", line, "/dev/null"]);
  let said = "";
  child.stdout.on("data", (octets) => (said += String(octets)));
  await child.end;
  expect(said).toContain(`/dev/pts/0\r\n${UID}\r\nopened\r\n`);
});

test.each([
  [
    "pasta is not there",
    "exec",
    { PATH: "/nowhere" },
    "pasta is not installed; on Debian: apt-get install passt",
  ],
  [
    "slirp4netns is there in place of pasta",
    "mount -t tmpfs bin /mnt && ln -s /bin/true /mnt/slirp4netns && exec",
    { PATH: "/mnt" },
    "pasta is not installed; on Debian: apt-get install passt; slirp4netns, which is there, does not do",
  ],
  [
    "there is no tun device",
    "mount -t tmpfs tun /dev/net && exec",
    {},
    "/dev/net/tun cannot be opened, which pasta needs; root may allow it: modprobe tun",
  ],
])("where %s, one line says what helps", async (_case, prepare, extra, reason) => {
  const script = `PATH=/usr/bin:/usr/sbin; ${prepare} "$@"`;
  const withPath = ["/usr/bin/env", `PATH=${"PATH" in extra ? extra.PATH : process.env["PATH"]}`];
  const first = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "sh", ...AS_USER, ...withPath];
  expect(await machine.run(["--", "true"], { under: first, env })).toMatchObject({
    exitCode: 125,
    stderr: `egress run: without root, ${reason}; or: sudo egress run ...\n`,
  });
});

test("what is named as pasta, and is not, does not end with the run", async () => {
  const bin = join(place, "bin");
  mkdirSync(bin);
  const [file, ...args] = [...AS_USER, "sleep", "600"];
  const innocent = spawnIn(lab.sandbox, [file, ...args]);
  // It takes `--pid FILE`, as another run's command could write there.
  const script = `#!/bin/sh\nwhile [ "$1" != --pid ]; do shift; done; echo ${innocent.pid} >"$2"\n`;
  writeFileSync(join(bin, "pasta"), script, { mode: 0o755 });
  const inBin = { ...env, PATH: `${bin}:${process.env["PATH"]}` };
  const result = await machine.run(["--", "true"], { under, env: inBin });
  expect(result).toMatchObject({
    exitCode: 125,
    stderr: "egress run: pasta: what its file of process numbers names is no pasta of this run\n",
  });
  expect(readFileSync(`/proc/${innocent.pid}/status`, "latin1")).toContain("State:\tS");
  innocent.kill("SIGKILL");
  await innocent.end;
});

test("on a machine without a route pasta's own words say so", async () => {
  const alone = ["/usr/bin/unshare", "--net", ...under];
  expect(await machine.run(["--", "true"], { under: alone, env })).toMatchObject({
    exitCode: 125,
    stderr: expect.stringMatching(/^egress run: pasta: (?!Failed to send).*routable interface.*\n$/),
  });
});

test("without root the command is nobody else", async () => {
  expect(await run("--user", "games", "--", "true")).toMatchObject({
    exitCode: 125,
    stderr: "egress run: --user: without root the command is you: sudo egress run --user ...\n",
  });
});

/** Names of those of the made user, whatever namespaces they are in. */
function processesOfUser(): readonly string[] {
  return readdirSync("/proc").flatMap((pid) => {
    const status = /^\d+$/.test(pid) ? readIfThere(`/proc/${pid}/status`) : "";
    const isLeft = status.includes(`\nUid:\t${UID}\t`) && !status.includes("\nState:\tZ");
    return isLeft ? [/^Name:\t(.*)$/m.exec(status)?.[1] ?? pid] : [];
  });
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has just ended
  }
}

function execFileIn(argv: readonly string[]) {
  const [file = "", ...args] = argv;
  return execIn(lab.sandbox, [file, ...args], { env: { ...process.env, ...env } });
}
