/**
 * The image's first process: a crash of the sidecar stays within the container, and its AF_XDP queues held
 * (row 21 of SECURITY.md).
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { attackArgv, POLICY } from "../escape/attack.ts";
import { startJsonServer } from "../support/json-server.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { workloadArgv } from "../support/workload.ts";
import type { SidecarContainer } from "./containers.ts";
import { imageEngine, startSidecarContainer } from "./containers.ts";

const lab = useLab();
let sidecar: SidecarContainer;
beforeAll(async () => {
  sidecar = await startSidecarContainer(lab, { policy: POLICY });
});
afterAll(async () => {
  await sidecar?.[Symbol.asyncDispose]();
});

const isHealthy = async (): Promise<boolean> => (await sidecar.api("GET", "/healthz")).status === 200;

test("a sidecar that is killed is back in the same container, and no queue was free meanwhile", async () => {
  const first = await sidecar.inspect("{{.State.Pid}}");
  const seize = workloadArgv(attackArgv("xdp", ["seize", "eth0", "0"]));
  await using workload = await startJsonServer(lab.sandbox, seize);
  const pid = await until("the sidecar runs", async () => sidecar.pid());
  process.kill(pid, "SIGKILL");
  await until("another one runs", async () => ((await sidecar.pid()) ?? pid) !== pid);
  await until("it is healthy", isHealthy);
  expect(await sidecar.inspect("{{.State.Pid}}")).toBe(first);
  expect(await sidecar.logs()).toContain("was ended by signal 9");
  expect(workload.lines.map(({ event }) => event)).toEqual(["ready"]);
  expect(workload.process.hasEnded()).toBe(false);
});

test("the command is run in it as before", async () => {
  expect(await sidecar.exec(["egress", "policy", "get"])).toMatchObject({ exitCode: 0 });
});

test("SIGTERM then ends the container in order", async () => {
  await imageEngine().require(["stop", "--time", "30", sidecar.name]);
  expect(await sidecar.inspect("{{.State.ExitCode}}")).toBe("0");
});
