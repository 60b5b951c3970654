/**
 * The image with the files that operators give it: a read-only root, the rule folder as a volume, one file as
 * the policy's.
 */
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { promised } from "../support/limits.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import type { SidecarContainer, WorkloadContainer } from "./containers.ts";
import { startSidecarContainer, startWorkloadContainer } from "./containers.ts";

const ONE_ALLOWED = { defaultAction: "deny", egress: [{ action: "allow", target: "one.example.org" }] };
const MOUNTED_POLICY = "/var/egress/policy.json";

const lab = useLab();
let rules: string;
let policyFile: string;
let sidecar: SidecarContainer;
let workload: WorkloadContainer;
beforeAll(async () => {
  rules = join(lab.stateFolder, "volume");
  policyFile = join(lab.stateFolder, "policy.json");
  await mkdir(rules);
  await writeFile(policyFile, JSON.stringify(ONE_ALLOWED));
  sidecar = await startSidecarContainer(lab, {
    env: { OPENSANDBOX_EGRESS_POLICY_FILE: MOUNTED_POLICY },
    options: [
      "--read-only",
      "--read-only-tmpfs=false",
      "--tmpfs=/run",
      `--volume=${rules}:/var/egress/rules`,
      `--volume=${policyFile}:${MOUNTED_POLICY}`,
    ],
  });
  workload = await startWorkloadContainer(sidecar);
});
afterAll(async () => {
  await sidecar?.[Symbol.asyncDispose]();
});

test("it enforces with a read-only root", async () => {
  expect((await sidecar.exec(["touch", "/var/egress/file"])).stderr).toContain("Read-only file system");
  expect(await workload.curl("http://one.example.org/")).toMatchObject({ status: 200 });
  expect(await workload.curl("http://two.example.org/")).toMatchObject({ exitCode: 6 });
});

test("the unix socket is there, for the operator alone", async () => {
  const policy = await sidecar.exec(["egress", "policy", "get"]);
  expect(policy).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("one.example.org") });
  expect(await workload.exec(["test", "-e", "/run/opensandbox/egress.sock"])).toMatchObject({ exitCode: 1 });
});

test("PATCH writes a policy file that is a mount of one file, in place", async () => {
  const { ino } = await stat(policyFile);
  const answer = await sidecar.api("PATCH", "/policy", [{ action: "allow", target: "two.example.org" }]);
  expect(answer).toMatchObject({ status: 200 });
  expect(await readPolicyFile()).toMatchObject({
    egress: [{ target: "two.example.org" }, { target: "one.example.org" }],
  });
  expect((await stat(policyFile)).ino).toBe(ino);
});

test("deny.always in the volume holds within a second of being written, and goes with it", async () => {
  const isDenied = async (): Promise<boolean> =>
    (await workload.dig("one.example.org", "A")).rcode === "NXDOMAIN";
  expect(await isDenied()).toBe(false);
  await writeFile(join(rules, "deny.always"), "one.example.org\n");
  await until("one.example.org is denied", isDenied, promised(2_500));
  expect(await workload.curl("http://one.example.org/")).toMatchObject({ exitCode: 6 });
  await writeFile(join(rules, "deny.always"), "# nothing\n");
  await until("one.example.org is allowed", async () => !(await isDenied()), promised(2_500));
  expect(await readPolicyFile()).toMatchObject({ egress: { length: 2 } });
});

test("after SIGKILL and a restart the policy of the file holds", async () => {
  await sidecar.kill();
  await sidecar.start();
  expect(await workload.curl("http://two.example.org/")).toMatchObject({ status: 200 });
  expect(await workload.curl("http://three.example.org/")).toMatchObject({ exitCode: 6 });
});

async function readPolicyFile(): Promise<unknown> {
  return JSON.parse(await readFile(policyFile, "utf8")) as unknown;
}
