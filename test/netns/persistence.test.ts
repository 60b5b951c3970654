/**
 * Memory, kernel and disk hold the same policy after each answer, and the file is what the next start finds.
 */
import { chmod, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type Lab } from "../support/lab.ts";
import { kernelOf, type PolicyInput, readDisk, readKernel, readMemory } from "../support/policy-places.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";

const allow = (...targets: string[]): PolicyInput => ({
  egress: targets.map((target) => ({ action: "allow", target })),
});
const OLD = allow("one.example.org", "203.0.113.1", "2001:db8:100::f1");
const NEW = allow("two.example.org", "203.0.113.3", "2001:db8:100::f3");

const lab = useLab();
const running: Sidecar[] = [];
afterEach(async () => {
  for (const sidecar of running.splice(0)) await sidecar[Symbol.asyncDispose]();
  await rm(join(lab.stateFolder, "policy.json"), { force: true });
  await rm(join(lab.stateFolder, "policy.json.corrupt"), { force: true });
});

async function start(options: Parameters<Lab["startSidecar"]>[0]): Promise<Sidecar> {
  const sidecar = await lab.startSidecar(options);
  running.push(sidecar);
  return sidecar;
}

/** That all three places, and what a client sees, are of this policy. */
async function expectEverywhere(sidecar: Sidecar, policy: PolicyInput): Promise<void> {
  const { egress } = policy;
  expect(await readMemory(sidecar)).toEqual({ egress, defaultAction: "deny" });
  expect(await readDisk(lab)).toEqual({ egress, defaultAction: "deny" });
  expect(await readKernel(lab)).toEqual(kernelOf(policy));
  for (const name of ["one.example.org", "two.example.org"]) {
    const isAllowed = egress.some(({ target }) => target === name);
    expect(await lab.dig(name, "A")).toMatchObject({ rcode: isAllowed ? "NOERROR" : "NXDOMAIN" });
  }
}

test("after each answer memory, kernel and disk agree", async () => {
  const sidecar = await start({});
  const call = async (method: string, body: unknown): Promise<void> =>
    expect(await sidecar.api(method, "/policy", { body })).toMatchObject({ status: 200 });
  await call("POST", OLD);
  await expectEverywhere(sidecar, OLD);
  await call("PATCH", [{ action: "deny", target: "203.0.113.9" }, ...NEW.egress]);
  await expectEverywhere(sidecar, {
    egress: [{ action: "deny", target: "203.0.113.9" }, ...NEW.egress, ...OLD.egress],
  });
  await call("DELETE", ["203.0.113.9", ...OLD.egress.map(({ target }) => target)]);
  await expectEverywhere(sidecar, NEW);
  await call("PUT", "");
  await expectEverywhere(sidecar, allow());
});

test("the file wins over OPENSANDBOX_EGRESS_RULES at the next start", async () => {
  const first = await start({ policy: OLD });
  await first.api("PUT", "/policy", { body: NEW });
  await first.kill();
  const next = await start({ policy: OLD });
  expect(await readMemory(next)).toMatchObject(NEW);
  await expectEverywhere(next, NEW);
});

test.each([
  { what: "broken", text: '{"egress":[{"action":"allow"' },
  { what: "empty", text: "" },
])(
  "a file that is $what is kept aside, the log says so, and the environment's policy holds",
  async ({ text }) => {
    await writeFile(join(lab.stateFolder, "policy.json"), text);
    const sidecar = await start({ policy: OLD });
    expect(await readFile(join(lab.stateFolder, "policy.json.corrupt"), "utf8")).toBe(text);
    expect(sidecar.logs()).toContainEqual(
      expect.objectContaining({ level: "warn", msg: expect.stringContaining("policy.json") }),
    );
    expect(await readMemory(sidecar)).toMatchObject(OLD);
    expect(await readKernel(lab)).toEqual(kernelOf(OLD));
    await sidecar.api("PUT", "/policy", { body: NEW });
    await expectEverywhere(sidecar, NEW);
  },
);

test("a new file is private, and an old one keeps its mode", async () => {
  const sidecar = await start({});
  const path = join(lab.stateFolder, "policy.json");
  const modeOf = async (): Promise<number> => (await stat(path)).mode & 0o777;
  await sidecar.api("PUT", "/policy", { body: OLD });
  expect(await modeOf()).toBe(0o600);
  await chmod(path, 0o640);
  await sidecar.api("PUT", "/policy", { body: NEW });
  expect(await modeOf()).toBe(0o640);
});
