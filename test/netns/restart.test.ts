/**
 * The sidecar stops, dies and comes back: the rules stay, nothing leaks meanwhile, and what is allowed goes
 * on.
 */
import { randomInt } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { execIn } from "../../src/netns/namespace.ts";
import { urlAt } from "../support/curl.ts";
import { type Download, startDownload } from "../support/download.ts";
import { FAMILIES, skipWithoutFamily, urlOf } from "../support/families.ts";
import { HAMMERED_NAME, hammeredFrames, startHammer, wasHammeredNameAsked } from "../support/hammer.ts";
import { startJsonServer } from "../support/json-server.ts";
import { readAddresses } from "../support/kernel-sets.ts";
import { readDisk } from "../support/policy-places.ts";
import { promised } from "../support/limits.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { workloadArgv } from "../support/workload.ts";

const POLICY = {
  egress: [
    { action: "allow", target: "one.example.org" },
    { action: "allow", target: "two.example.org" },
  ],
};
const CYCLES = 20;
/**
 * A lost packet is sent again after 200 ms and more, a second one after twice that. Both cores may be busy
 * with other tests.
 */
const NO_STALL_MS = 1_500;

const lab = useLab({
  per: "test",
  zone: { [HAMMERED_NAME]: { addresses: ["198.51.100.66"] } },
  upstream: { ttlSeconds: 300 },
});

async function expectRunning(download: Download): Promise<void> {
  const before = download.octets();
  await until("the download goes on", () => download.octets() > before + 8_192);
  expect(download.hasEnded()).toBe(false);
}

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));
  const set = `dyn_allow_${family.set}`;
  const two = urlAt(family.two, "http://two.example.org/");

  test("after SIGTERM the rules hold, and the next start takes over without a gap", async () => {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    const download = await startDownload(lab, "http://one.example.org/slow", family.flag);
    await lab.dig("two.example.org", family.qtype);
    const learned = await readAddresses(lab.sandbox, set);

    expect(await sidecar.kill("SIGTERM")).toMatchObject({ exitCode: 0 });
    await expectRunning(download);
    // Its address is open, and nobody reads the name that it shows.
    expect(await lab.curl("--max-time", "1", ...two)).toMatchObject({ exitCode: 28 });
    expect(await lab.curl(urlOf(family.nameless))).toMatchObject({ exitCode: 7 });
    const lookups = await lab.canary.during(async () => {
      expect(await lab.dig(`@${family.otherResolver}`, "one.example.org", family.qtype)).toMatchObject({
        rcode: undefined,
      });
    });
    expect(lookups.filter(({ destinationPort }) => destinationPort === 53)).toEqual([]);

    const next = await lab.startSidecar({ policy: POLICY });
    await expectRunning(download);
    expect(download.longestGapMs()).toBeLessThan(promised(NO_STALL_MS));
    expect(await readAddresses(lab.sandbox, set)).toEqual(learned);
    expect(await lab.curl(...two)).toMatchObject({ status: 200 });

    // Whose address it is has been handed over, too.
    await next.api("PATCH", "/policy", { body: [{ action: "deny", target: "one.example.org" }] });
    await until("the download is cut", () => download.hasEnded(), promised(1_500));
    expect(await lab.curl(...two)).toMatchObject({ status: 200 });
  });

  test("a start with another policy takes away what it does not allow", async () => {
    const sidecar = await lab.startSidecar({
      policy: POLICY,
      env: { OPENSANDBOX_EGRESS_POLICY_FILE: undefined },
    });
    const kept = await startDownload(lab, "http://one.example.org/slow", family.flag);
    const cut = await startDownload(lab, "http://two.example.org/slow", family.flag);
    await sidecar.kill("SIGKILL");
    await lab.startSidecar({
      policy: { egress: [{ action: "allow", target: "one.example.org" }] },
      env: { OPENSANDBOX_EGRESS_POLICY_FILE: undefined },
    });
    await until("the download is cut", () => cut.hasEnded(), promised(1_500));
    await expectRunning(kept);
    expect(await lab.curl(urlOf(family.two))).toMatchObject({ exitCode: 7 });
    expect(await readAddresses(lab.sandbox, set)).toEqual([family.one]);
  });

  test("what a workload had open before the first start goes no further", async () => {
    const download = await startDownload(lab, urlOf(family.nameless, "/slow"), family.flag);
    await lab.startSidecar({ policy: POLICY });
    // Dropped, or reset: the kernel knew no flow there before, and takes what arrives first for a caller in
    // mid-stream.
    const frames = await lab.canary.during(async () => {
      const before = download.octets();
      await sleep(500);
      expect(download.octets()).toBe(before);
    });
    expect(frames.filter(({ destination }) => destination === family.nameless)).toEqual([]);
  });
});

test("no allowed name is said not to exist while the sidecar comes and goes", async () => {
  await (await lab.startSidecar({ policy: POLICY })).kill("SIGKILL");
  const script = fileURLToPath(new URL("../support/clients/ask_always.py", import.meta.url));
  const argv = workloadArgv(["python3", script, "one.example.org", "192.0.2.1"]);
  await using client = await startJsonServer(lab.sandbox, argv);
  for (let cycle = 0; cycle < 4; cycle += 1) {
    const sidecar = await lab.startSidecar({ policy: POLICY });
    await sidecar.kill(cycle % 2 === 0 ? "SIGKILL" : "SIGTERM");
  }
  client.process.stdin.end();
  const done = await until("the client ends", () => client.lines.find(({ event }) => event === "done"));
  const rcodes = Object.keys(z.object({ rcodes: z.record(z.string(), z.number()) }).parse(done).rcodes);
  expect(rcodes).toContain("NOERROR");
  expect(rcodes).not.toContain("NXDOMAIN");
});

test("through 20 kills, during starts too, nothing denied leaves and an allowed download goes on", async () => {
  await (await lab.startSidecar({ policy: POLICY })).kill("SIGKILL");
  const before = await lab.startSidecar({ policy: POLICY });
  const download = await startDownload(lab, "http://one.example.org/slow", "-4");
  await before.kill("SIGKILL");
  await using hammer = await startHammer(lab);
  let rounds = 0;
  const frames = await lab.canary.during(async () => {
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      // Every second one is killed at some instant of its start.
      const awaitHealth = cycle % 2 === 0;
      await using sidecar = await lab.startSidecar({ policy: POLICY, awaitHealth });
      await sleep(randomInt(awaitHealth ? 30 : 500));
      await sidecar.kill("SIGKILL");
    }
    rounds = await hammer.stop();
  });
  expect(rounds).toBeGreaterThan(CYCLES);
  expect(hammeredFrames(frames)).toEqual([]);
  expect(wasHammeredNameAsked(lab)).toBe(false);
  await expectRunning(download);
  expect(download.longestGapMs()).toBeLessThan(promised(NO_STALL_MS));
});

test("a workload that was there first sends nothing denied once the first rules are in", async () => {
  await using hammer = await startHammer(lab);
  await until("the hammer gets out", async () => hammeredFrames(await lab.canary.frames()).length > 0);
  await lab.startSidecar({ policy: POLICY, awaitHealth: false });
  await until("the rules are in", async () => {
    const { stdout } = await execIn(lab.sandbox, ["nft", "list", "tables"]);
    return stdout.includes("inet opensandbox");
  });
  const frames = await lab.canary.during(() => sleep(1_000));
  expect(hammeredFrames(frames)).toEqual([]);
  expect(await hammer.stop()).toBeGreaterThan(0);
});

test("SIGTERM answers the lookup that is under way", async () => {
  // The first upstream is silent, so the lookup waits for the second.
  const sidecar = await lab.startSidecar({
    policy: POLICY,
    env: { OPENSANDBOX_EGRESS_DNS_UPSTREAM: "192.0.2.77,192.0.2.1" },
  });
  const arps = async (): Promise<number> =>
    (await lab.canary.frames()).filter(({ transport }) => transport === "arp").length;
  const before = await arps();
  const lookup = lab.dig("+time=4", "one.example.org", "A");
  await until("the first upstream is asked", async () => (await arps()) > before);
  expect(await sidecar.kill("SIGTERM")).toMatchObject({ exitCode: 0 });
  expect(await lookup).toMatchObject({ addresses: ["198.51.100.1"] });
});

test("SIGTERM answers the change that is under way, and the change is kept", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY });
  const egress = Array.from({ length: 4_000 }, (_, index) => ({
    action: "allow",
    target: `2001:db8:${index.toString(16)}::1`,
  }));
  const change = sidecar.api("PUT", "/policy", { body: { egress } });
  // A child is nft, in the middle of the transaction.
  const children = `/proc/${sidecar.pid}/task/${sidecar.pid}/children`;
  await until("the change is under way", () => {
    return existsSync(join(lab.stateFolder, "policy.json.staged")) && readFileSync(children, "ascii") !== "";
  });
  const [answer, end] = await Promise.all([change, sidecar.kill("SIGTERM")]);
  expect(answer).toMatchObject({ status: 200 });
  expect(end).toMatchObject({ exitCode: 0 });
  expect((await readDisk(lab))?.egress).toHaveLength(4_000);
});
