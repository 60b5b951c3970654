/**
 * Disks and kernels that refuse a change: the answer says so, and the old policy holds in memory, kernel and
 * on disk.
 */
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { requireCommand, runCommand } from "../../src/netns/command.ts";
import { argvIn } from "../../src/netns/namespace.ts";
import { type BreakableNft, createBreakableNft } from "../support/breakable-nft.ts";
import { urlAt } from "../support/curl.ts";
import { type Lab } from "../support/lab.ts";
import { kernelOf, type PolicyInput, readDisk, readKernel, readMemory } from "../support/policy-places.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const allow = (...targets: string[]): PolicyInput => ({
  egress: targets.map((target) => ({ action: "allow", target })),
});
const OLD = allow("one.example.org", "203.0.113.1", "2001:db8:100::f1");
const NEW = allow("two.example.org", "203.0.113.3", "2001:db8:100::f3");
/** Another default action is more than a small change, so nft loads it. */
const OPEN = { ...NEW, defaultAction: "allow" };

const lab = useLab();
const running: Sidecar[] = [];
afterEach(async () => {
  for (const sidecar of running.splice(0)) await sidecar[Symbol.asyncDispose]();
  await rm(join(lab.stateFolder, "policy.json"), { force: true });
  await rm(join(lab.stateFolder, "mounted"), { recursive: true, force: true });
});

async function start(options: Parameters<Lab["startSidecar"]>[0]): Promise<Sidecar> {
  const sidecar = await lab.startSidecar(options);
  running.push(sidecar);
  return sidecar;
}

/** That all three places, and what a client sees, are of this policy. */
async function expectEverywhere(sidecar: Sidecar, policy: PolicyInput, fileName?: string): Promise<void> {
  const { egress } = policy;
  expect(await readMemory(sidecar)).toEqual({ egress, defaultAction: "deny" });
  expect(await readDisk(lab, fileName)).toEqual({ egress, defaultAction: "deny" });
  expect(await readKernel(lab)).toEqual(kernelOf(policy));
  for (const name of ["one.example.org", "two.example.org"]) {
    const isAllowed = egress.some(({ target }) => target === name);
    expect(await lab.dig(name, "A")).toMatchObject({ rcode: isAllowed ? "NOERROR" : "NXDOMAIN" });
  }
}

/** A folder of its own for the policy file, mounted as the script says; `$0` is the folder. */
async function startMounted(script: string): Promise<{ sidecar: Sidecar; fileName: string }> {
  const folder = join(lab.stateFolder, "mounted");
  await mkdir(folder, { recursive: true });
  const sidecar = await start({
    env: { OPENSANDBOX_EGRESS_POLICY_FILE: join(folder, "policy.json") },
    program: ["sh", "-c", `${script} && exec "$@"`, folder, process.execPath, MAIN, "serve"],
  });
  return { sidecar, fileName: "mounted/policy.json" };
}

async function writeOldPolicy(): Promise<void> {
  await mkdir(join(lab.stateFolder, "mounted"), { recursive: true });
  const text = JSON.stringify({ egress: OLD.egress, defaultAction: "deny" });
  await writeFile(join(lab.stateFolder, "mounted", "policy.json"), text);
}

test("a read-only folder: 500, and the old policy holds everywhere", async () => {
  await writeOldPolicy();
  const { sidecar, fileName } = await startMounted('mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"');
  await expectEverywhere(sidecar, OLD, fileName);
  expect(await sidecar.api("PUT", "/policy", { body: NEW })).toMatchObject({
    status: 500,
    text: expect.stringMatching(/^failed to persist policy: .+$/),
  });
  await expectEverywhere(sidecar, OLD, fileName);
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
});

test("a full disk: 500, and the old policy holds everywhere", async () => {
  const { sidecar } = await startMounted('mount -t tmpfs -o size=8k none "$0"');
  expect(await sidecar.api("PUT", "/policy", { body: OLD })).toMatchObject({ status: 200 });
  const big = allow(...Array.from({ length: 900 }, (_, index) => `n${index}.example.org`), "two.example.org");
  expect(await sidecar.api("PUT", "/policy", { body: big })).toMatchObject({
    status: 500,
    text: expect.stringMatching(/^failed to persist policy: /),
  });
  expect(await readMemory(sidecar)).toMatchObject(OLD);
  expect(await readKernel(lab)).toEqual(kernelOf(OLD));
  expect(await lab.dig("two.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
  const kept = await runCommand(["cat", `/proc/${sidecar.pid}/root${lab.stateFolder}/mounted/policy.json`]);
  expect(JSON.parse(kept.stdout)).toMatchObject(OLD);
  expect(await sidecar.api("PUT", "/policy", { body: NEW })).toMatchObject({ status: 200 });
});

test("a file that is a bind mount is written in place", async () => {
  await writeOldPolicy();
  const { sidecar, fileName } = await startMounted('mount --bind "$0/policy.json" "$0/policy.json"');
  const { ino } = await stat(join(lab.stateFolder, fileName));
  expect(await sidecar.api("PUT", "/policy", { body: NEW })).toMatchObject({ status: 200 });
  await expectEverywhere(sidecar, NEW, fileName);
  expect((await stat(join(lab.stateFolder, fileName))).ino).toBe(ino);
});

test("a kernel that refuses a change: 500, and the old policy holds everywhere", async () => {
  const { sidecar, nft } = await startWithBreakableNft();
  expect(await sidecar.api("PUT", "/policy", { body: OLD })).toMatchObject({ status: 200 });
  await lab.dig("one.example.org", "A");
  await nft.refuseWith("203.0.113.3");
  expect(await sidecar.api("PUT", "/policy", { body: OPEN })).toMatchObject(NOT_APPLIED);
  expect(await lab.curl(...urlAt("198.51.100.1", "http://one.example.org/"))).toMatchObject({ status: 200 });
  await expectEverywhere(sidecar, OLD);
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
  await nft.accept();
  expect(await sidecar.api("PUT", "/policy", { body: NEW })).toMatchObject({ status: 200 });
  await expectEverywhere(sidecar, NEW);
});

test("a kernel that goes on refusing: nothing opens, health says so, and all is well once it takes rules again", async () => {
  const { sidecar, nft } = await startWithBreakableNft();
  expect(await sidecar.api("PUT", "/policy", { body: OLD })).toMatchObject({ status: 200 });
  await nft.refuse();
  expect(await sidecar.api("PUT", "/policy", { body: OPEN })).toMatchObject(NOT_APPLIED);
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({
    status: 503,
    text: expect.stringContaining("no room"),
  });
  expect(await readMemory(sidecar)).toMatchObject(OLD);
  expect(await readDisk(lab)).toMatchObject(OLD);
  expect(await readKernel(lab)).toEqual(kernelOf(OLD));
  // Denied still, though the policy that the kernel may hold allows names below it.
  expect(await lab.dig("two.example.org", "A")).toMatchObject({ rcode: "NOERROR", addresses: [] });
  await nft.accept();
  await until("it is healthy", async () => (await sidecar.api("GET", "/healthz")).status === 200);
  await expectEverywhere(sidecar, OLD);
});

test("a table that somebody has deleted is whole again with the next change, learned addresses too", async () => {
  const both = allow("one.example.org", "203.0.113.1");
  const sidecar = await start({ policy: both });
  expect(await lab.curl("-4", "http://one.example.org/")).toMatchObject({ status: 200 });
  await requireCommand(argvIn(lab.sandbox, ["nft", "delete", "table", "inet", "opensandbox"]));
  const next = allow("one.example.org", "203.0.113.3");
  expect(await sidecar.api("PUT", "/policy", { body: next })).toMatchObject({ status: 200 });
  expect(await readKernel(lab)).toEqual(kernelOf(next));
  expect(await lab.curl(...urlAt("198.51.100.1", "http://one.example.org/"))).toMatchObject({ status: 200 });
  expect(await lab.curl("http://203.0.113.1/")).toMatchObject({ exitCode: 7 });
});

const NOT_APPLIED = {
  status: 500,
  text: expect.stringMatching(/^failed to apply nftables policy: .*no room/),
};

async function startWithBreakableNft(): Promise<{ sidecar: Sidecar; nft: BreakableNft }> {
  const nft = await createBreakableNft(lab.stateFolder);
  return { sidecar: await start({ env: { PATH: nft.path } }), nft };
}
