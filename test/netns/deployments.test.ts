/**
 * The deployments of `deploy/`: the sidecar with the capabilities and the settings that they give it, and
 * rules that come as they do.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import type { Argv } from "../../src/netns/command.ts";
import { runCommand } from "../../src/netns/command.ts";
import { readDeployFile, readRulesConfigMap, readSandboxPod } from "../support/deploy-files.ts";
import { bringConfigMap } from "../support/kubelet.ts";
import { promised } from "../support/limits.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { skipBecause } from "../support/skip.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ per: "test" });
const POLICY = { egress: [{ action: "allow", target: "one.example.org" }] };
const UNIT = readDeployFile("egress@.service");
const POD_SIDECAR = readSandboxPod().spec.initContainers[0];

/** Each value of that key of the unit. */
function unitValues(key: string): readonly string[] {
  return [...UNIT.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value = ""]) => value);
}

const UNIT_CAPABILITIES = (unitValues("CapabilityBoundingSet")[0] ?? "").toLowerCase().split(" ");
const POD_CAPABILITIES = (POD_SIDECAR?.securityContext.capabilities.add ?? []).map(
  (name) => `cap_${name.toLowerCase()}`,
);

/** The sidecar with these capabilities and no other, and with no way to more. */
function programWith(capabilities: readonly string[]): Argv {
  const set = ["-all", ...capabilities.map((name) => `+${name.replace("cap_", "")}`)].join(",");
  return [
    "/usr/bin/setpriv",
    `--bounding-set=${set}`,
    "--inh-caps=-all",
    "--no-new-privs",
    process.execPath,
    MAIN,
    "serve",
  ];
}

async function protectionsOf(sidecar: Sidecar): Promise<Readonly<Record<string, string>>> {
  const shape = z.looseObject({
    protections: z.array(z.looseObject({ name: z.string(), state: z.string() })),
  });
  const { protections } = shape.parse((await sidecar.api("GET", "/status")).json());
  return Object.fromEntries(protections.map(({ name, state }) => [name, state]));
}

test("Kubernetes and systemd give the sidecar the same capabilities", () => {
  expect([...UNIT_CAPABILITIES].sort()).toEqual([...POD_CAPABILITIES].sort());
});

test("with these capabilities and no other each protection is there that root has, and the policy holds", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY, program: programWith(POD_CAPABILITIES) });
  const found = await protectionsOf(sidecar);
  expect(await lab.curl("http://one.example.org/")).toMatchObject({ status: 200 });
  expect(await lab.curl("http://two.example.org/")).toMatchObject({ exitCode: 6 });
  expect(await lab.curl("http://203.0.113.1/")).toMatchObject({ exitCode: 7 });
  await sidecar.kill();
  const root = await lab.startSidecar({ policy: POLICY });
  expect(found).toEqual(await protectionsOf(root));
});

test.each([
  ["net_raw", "af-xdp"],
  ["setgid", "own-sockets"],
])("without %s the protection %s is off", async (missing, protection) => {
  const capabilities = POD_CAPABILITIES.filter((name) => name !== `cap_${missing}`);
  await using sidecar = await lab.startSidecar({ policy: POLICY, program: programWith(capabilities) });
  expect(await protectionsOf(sidecar)).toMatchObject({ [protection]: "off" });
});

test("the settings of the pod and of Compose start a sidecar without a warning, with the policy that they tell", async () => {
  const pod = Object.fromEntries(
    (POD_SIDECAR?.env ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  );
  const composeShape = z.looseObject({
    services: z.looseObject({ egress: z.looseObject({ environment: z.record(z.string(), z.string()) }) }),
  });
  const compose = composeShape.parse(parse(readDeployFile("compose.yaml"))).services.egress.environment;
  for (const settings of [pod, compose]) {
    const rules = settings["OPENSANDBOX_EGRESS_RULES"] ?? "";
    await using sidecar = await lab.startSidecar({
      env: { ...settings, OPENSANDBOX_EGRESS_TOKEN: "a-token" },
    });
    const policy: unknown = JSON.parse(rules);
    expect((await sidecar.api("GET", "/policy")).json()).toMatchObject({ policy });
    const odd = sidecar
      .logs()
      .filter(({ msg }) => /is not known|cannot be read|not served/.test(String(msg)));
    expect(odd).toEqual([]);
    await sidecar.kill();
    await rm(join(lab.stateFolder, "policy.json"), { force: true });
  }
});

test("a change of the ConfigMap is followed, and the shipped denials hold all along", async () => {
  const rules = join(lab.stateFolder, "config-map");
  const data = readRulesConfigMap();
  await bringConfigMap(rules, data);
  const sidecar = await lab.startSidecar({
    policy: { defaultAction: "allow" },
    env: { OPENSANDBOX_EGRESS_RULES_DIR: rules },
  });
  const isDenied = async (name: string): Promise<boolean> =>
    (await lab.curl(`http://${name}/`)).exitCode === 6;
  expect(await isDenied("one.example.org")).toBe(false);
  for (const round of [1, 2]) {
    await bringConfigMap(rules, { "deny.always": `${data["deny.always"] ?? ""}one.example.org\n` });
    await until(`denied in round ${round}`, () => isDenied("one.example.org"), promised(2_500));
    await bringConfigMap(rules, data);
    await until(
      `allowed in round ${round}`,
      async () => !(await isDenied("one.example.org")),
      promised(2_500),
    );
    expect(await isDenied("metadata.google.internal")).toBe(true);
  }
  expect(sidecar.logs().filter(({ msg }) => msg === "rule files not taken")).toEqual([]);
});

test("the systemd unit has no key that systemd does not know, and its health check passes once the sidecar is healthy", async (context) => {
  const verify = join(lab.stateFolder, "verify");
  await mkdir(verify);
  const file = join(verify, "egress@.service");
  await writeFile(file, UNIT.replace("/usr/local/bin/egress", process.execPath));
  const found = await runCommand(["systemd-analyze", "verify", file]).catch(() => undefined);
  if (found === undefined) skipBecause(context, "systemd-analyze is not installed");
  expect(found).toMatchObject({ exitCode: 0, stderr: "" });
  await writeFile(file, UNIT.replace("KillMode=", "KillMod="));
  expect((await runCommand(["systemd-analyze", "verify", file])).stderr).toContain("KillMod");
  await lab.startSidecar({ policy: POLICY });
  const socket = join(lab.stateFolder, "egress.sock");
  const [check = ""] = unitValues("ExecStartPost");
  const [program = "", ...args] = check.replace(/--unix-socket \S+/, `--unix-socket ${socket}`).split(" ");
  expect(await runCommand([program, ...args])).toMatchObject({ exitCode: 0, stderr: "" });
});

test("the server's section of OpenSandbox is TOML, and asks for connections to be held", async () => {
  const script = "import json,sys,tomllib; print(json.dumps(tomllib.loads(sys.stdin.read())))";
  const read = await runCommand(["python3", "-c", script], { input: readDeployFile("opensandbox.toml") });
  expect(read).toMatchObject({ exitCode: 0 });
  const { egress } = z.object({ egress: z.strictObject(SERVER_KEYS) }).parse(JSON.parse(read.stdout));
  expect(egress.mode).toBe("dns+nft");
});

/** What the server's `[egress]` may hold (opensandbox-server 1.1.1), as far as the file uses it. */
const SERVER_KEYS = {
  image: z.string().min(1),
  mode: z.enum(["dns", "dns+nft"]),
  disable_ipv6: z.boolean(),
  readiness_timeout_seconds: z.number().positive(),
  requests: z.record(z.enum(["cpu", "memory"]), z.string().optional()),
  limits: z.record(z.enum(["cpu", "memory"]), z.string().optional()),
};
