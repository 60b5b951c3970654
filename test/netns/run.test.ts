/**
 * `egress run` on a machine that a namespace plays: what the command may reach, and what is left when it is
 * over.
 */
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeResolvConf, writeSysctl } from "../../src/netns/namespace.ts";
import { skipBecause } from "../support/skip.ts";
import { useLab } from "../support/use-lab.ts";
import { useMachine } from "../support/use-machine.ts";

const lab = useLab();
const machine = useMachine(lab);

const CURL = ["curl", "-sS", "--max-time", "5"];

test.each([
  ["of its own resolv.conf", { readsResolvConf: true }],
  ["that the setting names", {}],
])(
  "an allowed name is fetched by the resolver %s; standard output is the command's alone",
  async (_case, options) => {
    const command = [...CURL, "http://one.example.org/"];
    const result = await machine.run(["--allow", "one.example.org", "--", ...command], options);
    expect(result).toMatchObject({ exitCode: 0, stdout: "hello from 198.51.100.1\n" });
    expect(result.stderr).not.toContain("denied");
  },
);

test("what is set on the machine is announced", async () => {
  const { stderr } = await machine.run(["--", "true"]);
  expect(stderr).toMatch(
    /this machine now translates 10\.213\.\d+\.\d+ \(nft table inet egress_run_[0-9a-f]{8}\)/,
  );
  expect(stderr).toContain("this machine now forwards IPv4 that comes in by eth0");
});

test("rules of a file and a default of allow hold; cloud metadata stays denied", async () => {
  await using folder = await scratch();
  const file = join(folder.path, "policy.json");
  await writeFile(file, '{"defaultAction":"allow","egress":[{"action":"deny","target":"198.51.100.2"}]}');
  const urls = ["http://one.example.org/", "http://198.51.100.2/", "http://169.254.169.254/"];
  const script = urls.map((url) => `curl -s -o /dev/null --max-time 3 ${url}; echo $?`).join("; ");
  expect(await machine.run(["--policy", file, "--", "sh", "-c", script])).toMatchObject({
    stdout: "0\n7\n7\n",
  });
});

test("IPv6 is there where the machine forwards it", async (context) => {
  if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
  await writeSysctl(lab.sandbox, "net.ipv6.conf.all.forwarding", "1");
  const result = await machine.run([
    "--allow",
    "one.example.org",
    "--",
    ...CURL,
    "-6",
    "http://one.example.org/",
  ]);
  await writeSysctl(lab.sandbox, "net.ipv6.conf.all.forwarding", "0");
  expect(result).toMatchObject({ exitCode: 0, stdout: "hello from 2001:db8:100::1\n" });
});

test.each([
  ["its own exit code", ["sh", "-c", "exit 7"], 7],
  ["128 and the signal that ended it", ["sh", "-c", "kill -TERM $$"], 143],
  ["127 when there is no such command", ["no-such-command"], 127],
  ["126 when it can't be executed", ["/etc/passwd"], 126],
])("the command gives back %s", async (_case, command, exitCode) => {
  expect(await machine.run(["--", ...command])).toMatchObject({ exitCode });
});

test.each(["exit", "eval", "wait"])(
  "%s is a program to be found, not a word of a shell in between",
  async (word) => {
    expect(await machine.run(["--", word, "3"])).toMatchObject({ exitCode: 127 });
  },
);

test("the port of the sidecar's API is free for a server of the command's", async () => {
  const program = `import socket
server = socket.create_server(("127.0.0.1", 18080))
socket.create_connection(("127.0.0.1", 18080), 5).sendall(b"to its own")
print(server.accept()[0].recv(99))`;
  expect(await machine.run(["--", "python3", "-c", program])).toMatchObject({ stdout: "b'to its own'\n" });
});

test("standard input is the command's", async () => {
  expect(await machine.run(["--", "tr", "a-z", "A-Z"], { input: "words\n" })).toMatchObject({
    stdout: "WORDS\n",
  });
});

test("the command has none of the machine's capabilities but the harmless ones", async () => {
  const { stdout } = await machine.run([
    "--",
    "grep",
    "-E",
    "Cap(Bnd|Eff|Amb)|NoNewPrivs",
    "/proc/self/status",
  ]);
  expect(stdout.split("\n").map((line) => line.replace("\t", " "))).toEqual([
    "CapEff: 00000000a00405fb",
    "CapBnd: 00000000a00405fb",
    "CapAmb: 0000000000000000",
    "NoNewPrivs: 1",
    "",
  ]);
});

test("the command finds no way out of its confinement", async () => {
  const attempts: readonly (readonly [string, RegExp])[] = [
    ["nft flush ruleset", /Operation not permitted/],
    ["ip link set eth0 down", /Operation not permitted/],
    ["python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)'", /PermissionError/],
    ["python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 17)'", /PermissionError/],
    ["nsenter --net=/proc/1/ns/net true", /Operation not permitted/],
    [`kill -0 ${process.pid}`, /No such process/],
    ["ls /run/netns", /No such file/],
    ["ls -d /run/egress-run-*", /No such file/],
    ["umount /run", /must be superuser/],
    ["unshare --user --map-root-user --mount umount /run", /not mounted|must be superuser|Invalid argument/],
    ["unshare --user --map-root-user --mount --pid --fork mount -t proc proc /mnt", /permission denied/],
    ["sh -c 'echo x >/proc/sys/kernel/core_pattern'", /Read-only file system/],
    ["sh -c 'echo x >/proc/sysrq-trigger'", /Read-only file system|nonexistent/],
    ["mknod /tmp/egress-run-test-disk b 8 0", /Operation not permitted/],
    ["find /dev -type b -printf found | grep . >&2", /^$/],
    ["cat /proc/1/environ | grep -a OPENSANDBOX_EGRESS_TOKEN >&2", /^$/],
  ];
  const script = attempts
    .map(([command]) => `(${command}) 2>&1 >/dev/null; echo " exit $?"; echo ----`)
    .join("\n");
  const { stdout } = await machine.run(["--default", "allow", "--", "sh", "-c", script]);
  const outcomes = stdout.split("----\n");
  for (const [index, [command, reason]] of attempts.entries()) {
    const [, said = "", exitCode] = /^(?<said>[^]*) exit (?<code>\d+)\n$/.exec(outcomes[index] ?? "") ?? [];
    expect({ command, said: said.trim(), failed: exitCode !== "0" }).toEqual({
      command,
      said: expect.stringMatching(reason),
      failed: true,
    });
  }
});

test("the sidecar's settings and token are not in the command's environment", async () => {
  const env = { OPENSANDBOX_EGRESS_TOKEN: "of-the-caller", KEPT: "yes" };
  const { stdout } = await machine.run(["--", "env"], { env });
  expect(stdout).toContain("KEPT=yes\n");
  expect(stdout).not.toContain("OPENSANDBOX");
});

test("a policy or setting that can't be read makes nothing", async () => {
  expect(await machine.run(["--allow", "a b", "--", "true"])).toMatchObject({
    exitCode: 125,
    stderr: expect.stringMatching(/^egress run: --allow "a b": .*\n$/),
  });
  const env = { OPENSANDBOX_EGRESS_MODE: "nft", OPENSANDBOX_EGRESS_MAX_RULES: "many" };
  const { exitCode, stderr } = await machine.run(["--", "true"], { env });
  expect(exitCode).toBe(125);
  expect(stderr.match(/^egress run: OPENSANDBOX_EGRESS_(?:MODE|MAX_RULES): /gm)).toHaveLength(2);
});

test("a machine whose only resolver is a loopback stub is told which setting helps", async () => {
  await using _stub = await writeResolvConf(lab.sandbox, "nameserver 127.0.0.53\n");
  const { exitCode, stderr } = await machine.run(["--", "true"], { readsResolvConf: true });
  await writeResolvConf(lab.sandbox, "nameserver 192.0.2.1\n");
  expect(exitCode).toBe(125);
  expect(stderr).toContain("set OPENSANDBOX_EGRESS_DNS_UPSTREAM to the resolvers to ask");
});

test("tools in sbin are found where PATH lacks it, and PATH is the command's as it was given", async () => {
  const env = { PATH: "/usr/bin:/bin" };
  expect(await machine.run(["--", "printenv", "PATH"], { env })).toMatchObject({
    exitCode: 0,
    stdout: "/usr/bin:/bin\n",
  });
});

test("a missing tool is named with its Debian package", async () => {
  await using folder = await scratch();
  for (const tool of ["sh", "ip", "mount"]) await symlink(`/bin/${tool}`, join(folder.path, tool));
  const hideSbin = `for path in /usr/sbin /sbin; do mount -t tmpfs none $path; done; exec "$@"`;
  const under = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", `PATH=/usr/bin:/bin; ${hideSbin}`, "sh"];
  const restore = ["/usr/bin/env", `PATH=${folder.path}`];
  const { exitCode, stderr } = await machine.run(["--", "true"], { under: [...under, ...restore] });
  expect(exitCode).toBe(125);
  expect(stderr).toBe(
    `egress run: nft is not installed; on Debian: apt-get install nftables
egress run: unshare is not installed; on Debian: apt-get install util-linux
egress run: setpriv is not installed; on Debian: apt-get install util-linux
egress run: env is not installed; on Debian: apt-get install coreutils
`,
  );
});

test("a confinement that cannot be set up ends with 125, and with what mount says", async () => {
  await using folder = await scratch();
  await writeFile(join(folder.path, "mount"), "#!/bin/sh\necho mount: no >&2\nexit 1\n", { mode: 0o755 });
  const env = { PATH: `${folder.path}:/usr/bin:/bin` };
  const { exitCode, stderr } = await machine.run(["--", "true"], { env });
  expect({ exitCode, says: stderr.includes("mount: no\n") }).toEqual({ exitCode: 125, says: true });
});

test("a /run that is read-only ends with 125, and with what to do", async () => {
  const script = 'mount --bind /run /run && mount -o remount,bind,ro /run && exec "$@"';
  const under = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "sh"];
  const { exitCode, stderr } = await machine.run(["--", "true"], { under });
  expect(exitCode).toBe(125);
  expect(stderr).toMatch(
    /^egress run: EROFS: .* '\/run\/egress-run-\w+'; a run needs to write to \/run: mount a tmpfs there\n$/,
  );
});

test.each(["net_admin", "sys_admin"])(
  "without %s it ends with 125, and says what root lacks",
  async (name) => {
    const under = ["/usr/bin/setpriv", `--bounding-set=-${name}`, `--inh-caps=-${name}`];
    const { exitCode, stderr } = await machine.run(["--", "true"], { under });
    expect(exitCode).toBe(125);
    expect(stderr).toMatch(/^egress run: .*EPERM.*needs CAP_SYS_ADMIN and CAP_NET_ADMIN, .* privileged\n$/);
  },
);

test("the command's devices, folders and resolv.conf are its own", async () => {
  const script = `for node in null zero full random urandom tty; do [ -c /dev/$node ] || echo $node; done
readlink /dev/fd /dev/stdout; echo 1 >/run/lock/own; touch /dev/shm/own; ls /run; cat /etc/resolv.conf; stat -c %a /dev/shm /run/lock`;
  expect(await machine.run(["--", "sh", "-c", script])).toMatchObject({
    exitCode: 0,
    stdout: "/proc/self/fd\nfd/1\nlock\nresolv.conf\nnameserver 127.0.0.1\n1777\n1777\n",
  });
});

async function scratch(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "egress-run-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
