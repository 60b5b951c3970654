/** What is in the image, what is not, and what it tells an engine about itself. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import type { SidecarContainer, WorkloadContainer } from "./containers.ts";
import { imageEngine, startSidecarContainer, startWorkloadContainer } from "./containers.ts";
import { IMAGE } from "./global-setup.ts";

const lab = useLab();
let sidecar: SidecarContainer;
let workload: WorkloadContainer;
beforeAll(async () => {
  sidecar = await startSidecarContainer(lab, {
    policy: { defaultAction: "allow" },
    env: { OPENSANDBOX_EGRESS_BLOCK_DOH_443: "true" },
  });
  workload = await startWorkloadContainer(sidecar);
});
afterAll(async () => {
  await sidecar?.[Symbol.asyncDispose]();
});

test.each([
  ["nft", "--version"],
  ["ip", "-Version"],
  ["dig", "-v"],
  ["curl", "--version"],
  ["node", "--version"],
  ["egress", "--version"],
] as const)("%s is there and runs", async (...argv) => {
  expect(await sidecar.exec(argv)).toMatchObject({ exitCode: 0 });
});

test.each(["npm", "npx", "corepack", "yarn", "cc", "python3"])("%s is not there", async (program) => {
  expect(await sidecar.exec(["sh", "-c", `command -v ${program}`])).not.toMatchObject({ exitCode: 0 });
});

test("neither sources nor packages of the build are left, nor what apt has loaded", async () => {
  const found = await sidecar.exec(["ls", "/src", "/usr/local/lib/node_modules", "/opt/yarn"]);
  expect(found.stdout).toBe("");
  expect((await sidecar.exec(["ls", "/var/lib/apt/lists"])).stdout).toBe("");
});

test("its start is `egress serve` under a first process, its port 18080", async () => {
  expect(await inspectImage(".Config.Entrypoint")).toEqual([
    "/opt/egress/first-process.sh",
    "/usr/local/bin/egress",
    "serve",
  ]);
  expect(await inspectImage(".Config.ExposedPorts")).toEqual({ "18080/tcp": {} });
});

test("the shipped rules are in force: cloud metadata stays denied under allow-all", async () => {
  expect(await workload.curl("http://one.example.org/")).toMatchObject({ status: 200 });
  expect(await workload.dig("metadata.google.internal", "A")).toMatchObject({ rcode: "NXDOMAIN" });
  expect(await workload.curl("http://169.254.169.254/")).toMatchObject({ exitCode: 7 });
});

test("the shipped list of DoH resolvers is found", async () => {
  const rules = await sidecar.exec(["nft", "list", "set", "inet", "opensandbox", "doh_v4"]);
  expect(rules.stdout).toMatch(/elements = \{ \d/);
});

test("its health check follows the sidecar", async () => {
  expect(await check()).toBe(0);
  const pid = await until("the sidecar runs", async () => sidecar.pid());
  process.kill(pid, "SIGSTOP");
  try {
    expect(await check()).toBe(1);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  expect(await check()).toBe(0);
});

test("SIGTERM ends it at once, by its own will", async () => {
  await imageEngine().require(["stop", "--time", "5", sidecar.name]);
  expect(await sidecar.inspect("{{.State.ExitCode}}")).toBe("0");
});

async function check(): Promise<number | undefined> {
  return (await imageEngine().run(["healthcheck", "run", sidecar.name])).exitCode;
}

async function inspectImage(format: string): Promise<unknown> {
  const argv = ["image", "inspect", "--format", `{{json ${format}}}`, IMAGE];
  return JSON.parse(await imageEngine().require(argv)) as unknown;
}
