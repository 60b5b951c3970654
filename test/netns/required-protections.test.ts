/**
 * Protections as this kernel has them, and what is not started or not healthy without those that are
 * required.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { configure, execIn } from "../../src/netns/namespace.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const POLICY = { egress: [{ action: "allow", target: "203.0.113.1" }] };
const ALLOWED = "http://203.0.113.1/";
const REQUIRE = { OPENSANDBOX_EGRESS_REQUIRE: "connections,raw-frames" };
/** nft knows no escapes, and takes it for a wildcard. */
const UNNAMEABLE = "v*0";
const ADD_UNNAMEABLE = `link add ${UNNAMEABLE} type veth peer name peer0`;

const lab = useLab({ per: "test" });

/** A PATH whose nft answers as Linux before 5.16 does. */
const pathWithoutEgressHook = (): Promise<string> => pathThatRefuses("hook egress");

/** A PATH whose nft refuses what has these words in it, and else is the real one. */
async function pathThatRefuses(words: string): Promise<string> {
  const bin = join(lab.stateFolder, "bin");
  await mkdir(bin);
  const nft = (await execIn(lab.sandbox, ["sh", "-c", "command -v nft"])).stdout.trim();
  const script = `#!/bin/sh
case "$*" in *"-f -"*) ;; *) exec ${nft} "$@";; esac
text=$(cat)
case "$text" in *"${words}"*)
  echo '/dev/stdin:1:1-2: Error: Could not process rule: Operation not supported' >&2
  exit 1;;
esac
printf '%s\\n' "$text" | exec ${nft} "$@"
`;
  await writeFile(join(bin, "nft"), script, { mode: 0o755 });
  return `${bin}:${process.env["PATH"] ?? ""}`;
}

async function expectRefusal(env: Record<string, string>, line: RegExp): Promise<void> {
  const sidecar = await lab.startSidecar({ policy: POLICY, env, awaitHealth: false });
  expect(await sidecar.exit).toMatchObject({ exitCode: 78 });
  expect(sidecar.output()).toMatch(line);
  expect(sidecar.output()).not.toContain("egress sidecar ready");
  expect(await lab.curl(ALLOWED)).toMatchObject({ exitCode: 7 });
  const rules = (await execIn(lab.sandbox, ["nft", "list", "chain", "inet", "opensandbox", "egress"])).stdout;
  expect(rules).toContain("policy drop");
}

function readyProtections(sidecar: Sidecar): unknown {
  return sidecar.logs().find(({ msg }) => msg === "egress sidecar ready")?.["protections"];
}

const warnings = (sidecar: Sidecar): unknown =>
  sidecar
    .logs()
    .filter(({ msg }) => msg === "a protection is off")
    .map(({ level, protection, reason }) => ({ level, protection, reason }));

test("with every protection there, the start says so and goes on, and so does a restart", async () => {
  const required = ["connections", "raw-frames", "af-xdp", "own-sockets", "wire-names", "idle-flows"];
  const env = { OPENSANDBOX_EGRESS_REQUIRE: required.join(",") };
  for (let start = 0; start < 2; start++) {
    const sidecar = await lab.startSidecar({ policy: POLICY, env });
    expect(readyProtections(sidecar)).toMatchObject(Object.fromEntries(required.map((name) => [name, "on"])));
    expect(await lab.curl(ALLOWED)).toMatchObject({ status: 200 });
    await sidecar.kill("SIGKILL");
  }
});

test("a kernel without the egress hook: warned of, and refused where the guard is required", async () => {
  const PATH = await pathWithoutEgressHook();
  const reason = /^interface "eth0": the kernel has no netdev egress hook: .*not supported$/;
  await using sidecar = await lab.startSidecar({ policy: POLICY, env: { PATH } });
  expect(readyProtections(sidecar)).toMatchObject({ connections: "on", "raw-frames": "off" });
  expect(warnings(sidecar)).toContainEqual({
    level: "warn",
    protection: "raw-frames",
    reason: expect.stringMatching(reason),
  });
  expect(await lab.curl(ALLOWED)).toMatchObject({ status: 200 });
  await sidecar.kill("SIGKILL");
  await execIn(lab.sandbox, ["nft", "flush", "ruleset"]);
  await expectRefusal(
    { ...REQUIRE, PATH },
    /^egress: the required protection raw-frames is off: interface "eth0": .*no netdev egress hook.*; use a kernel from Linux 5\.16/m,
  );
});

test("an nft that cannot say what a packet carries: names are not judged, and that can be refused", async () => {
  const PATH = await pathThatRefuses("@ih");
  const env = { PATH };
  // The second one finds the rules of the first.
  for (let start = 0; start < 2; start++) {
    const sidecar = await lab.startSidecar({ policy: POLICY, env });
    expect(readyProtections(sidecar)).toMatchObject({ connections: "on", "wire-names": "off" });
    expect(warnings(sidecar)).toContainEqual({
      level: "warn",
      protection: "wire-names",
      reason: expect.stringContaining("not supported"),
    });
    expect(await lab.curl(ALLOWED)).toMatchObject({ status: 200 });
    await sidecar.kill("SIGKILL");
  }
  await execIn(lab.sandbox, ["nft", "flush", "ruleset"]);
  await expectRefusal(
    { ...env, OPENSANDBOX_EGRESS_REQUIRE: "wire-names" },
    /^egress: the required protection wire-names is off: .*not supported.*; leave OPENSANDBOX_EGRESS_WIRE_NAMES at known/m,
  );
});

test("a protection that a setting switches off is warned of, and told in its own words where it is required", async () => {
  const off = { OPENSANDBOX_EGRESS_WIRE_NAMES: "off" };
  const warned = await lab.startSidecar({ policy: POLICY, env: off });
  expect(warnings(warned)).toEqual([
    { level: "warn", protection: "wire-names", reason: "OPENSANDBOX_EGRESS_WIRE_NAMES is off" },
  ]);
  await warned.kill("SIGKILL");
  const env = { ...off, OPENSANDBOX_EGRESS_REQUIRE: "wire-names" };
  const sidecar = await lab.startSidecar({ policy: POLICY, env, awaitHealth: false });
  expect(await sidecar.exit).toMatchObject({ exitCode: 78 });
  expect(sidecar.output()).toContain("wire-names is off: OPENSANDBOX_EGRESS_WIRE_NAMES is off; ");
});

test("in mode dns connections are not judged, and that can be refused", async () => {
  const sidecar = await lab.startSidecar({
    policy: POLICY,
    env: { ...REQUIRE, OPENSANDBOX_EGRESS_MODE: "dns" },
    awaitHealth: false,
  });
  expect(await sidecar.exit).toMatchObject({ exitCode: 78 });
  expect(sidecar.output()).toMatch(
    /required protection connections is off: mode dns .*; set OPENSANDBOX_EGRESS_MODE/,
  );
});

test("a restart that finds an interface without a guard closes what the earlier process left open", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY, env: REQUIRE });
  await sidecar.kill("SIGKILL");
  await configure(lab.sandbox, [ADD_UNNAMEABLE]);
  expect(await lab.curl(ALLOWED)).toMatchObject({ status: 200 });
  await expectRefusal(REQUIRE, /required protection raw-frames is off: interface "v\*0": .*interface names/);
});

test("an interface that cannot be guarded makes the health bad for as long as it is there", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY, env: REQUIRE });
  const status = async (): Promise<number> => (await sidecar.api("GET", "/healthz")).status;
  await configure(lab.sandbox, [ADD_UNNAMEABLE]);
  await until("the health is bad", async () => (await status()) === 503);
  expect((await sidecar.api("GET", "/healthz")).text).toMatch(/raw-frames is off: interface "v\*0"/);
  await configure(lab.sandbox, [`link del ${UNNAMEABLE}`]);
  await until("the health is good again", async () => (await status()) === 200);
  expect(warnings(sidecar)).toEqual([
    expect.objectContaining({ protection: "raw-frames", reason: expect.stringContaining('"v*0"') }),
  ]);
  // A line is written some milliseconds after what it tells of.
  const isTold = (): boolean => sidecar.logs().some(({ msg }) => msg === "a protection is on again");
  await until("it is told", isTold);
});

test("without a requirement such an interface is told, and the health stays good", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY });
  await configure(lab.sandbox, [ADD_UNNAMEABLE]);
  await until("it is warned of", () => sidecar.output().includes("a protection is off"));
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
});

test.each([
  {
    what: "its folder is read-only",
    before: "mount -t tmpfs -o ro tmpfs /run",
    why: /queue-holders\.json cannot be written \(E\w+\)/,
  },
  {
    what: "no process can be started",
    before: "mount --bind /dev/null /bin/sh",
    why: /\/bin\/sh cannot be started/,
  },
])(
  "queues that no process keeps over a restart, since $what: refused if that is required",
  async ({ before, why }) => {
    const sidecar = await lab.startSidecar({
      policy: POLICY,
      program: [
        "unshare",
        "--mount",
        "bash",
        "-c",
        `${before} && exec "$0" "$1" serve`,
        process.execPath,
        MAIN,
      ],
      env: { OPENSANDBOX_EGRESS_REQUIRE: "af-xdp", OPENSANDBOX_EGRESS_SOCKET: "" },
      awaitHealth: false,
    });
    expect(await sidecar.exit).toMatchObject({ exitCode: 78 });
    expect(sidecar.output()).toMatch(why);
    expect(sidecar.output()).toContain("the required protection af-xdp is off");
    expect(sidecar.output()).not.toContain("egress sidecar ready");
  },
);
