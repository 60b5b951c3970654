/**
 * nft(8) goes wrong while the sidecar runs: changes are refused within a bound, the old policy holds, and all
 * is well once it works again.
 */
import { beforeEach, expect, test } from "vitest";
import { requireCommand } from "../../src/netns/command.ts";
import { argvIn } from "../../src/netns/namespace.ts";
import { type BreakableNft, createBreakableNft, withoutSystemFolders } from "../support/breakable-nft.ts";
import { startDownload } from "../support/download.ts";
import { readAddresses, readSet } from "../support/kernel-sets.ts";
import { type PolicyInput, readDisk, readMemory } from "../support/policy-places.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const allow = (...targets: string[]): PolicyInput => ({
  egress: targets.map((target) => ({ action: "allow", target })),
});
const OLD = allow("one.example.org", "203.0.113.1");
/** Another default action is more than a small change, so nft loads it. */
const LARGE = { ...allow("two.example.org", "203.0.113.3"), defaultAction: "allow" };
const BOTH = allow("one.example.org", "two.example.org");
const SMALL = allow("one.example.org", "203.0.113.1", "203.0.113.3");

const lab = useLab({ per: "test" });
let nft: BreakableNft;
let sidecar: Sidecar;
beforeEach(async () => {
  nft = await createBreakableNft(lab.stateFolder);
  const program = withoutSystemFolders([process.execPath, MAIN, "serve"]);
  sidecar = await lab.startSidecar({ policy: OLD, env: { PATH: nft.path }, program });
});

async function expectOldPolicy(): Promise<void> {
  expect(await readMemory(sidecar)).toEqual({ ...OLD, defaultAction: "deny" });
  expect(await readDisk(lab)).toBeUndefined();
  expect(await lab.curl("http://one.example.org/")).toMatchObject({ status: 200 });
  expect(await lab.curl("http://203.0.113.1/")).toMatchObject({ status: 200 });
  expect(await lab.curl("http://203.0.113.3/")).toMatchObject({ exitCode: 7 });
  expect(await lab.dig("two.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
}

async function expectHealthTells(reason: RegExp): Promise<void> {
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({
    status: 503,
    text: expect.stringMatching(reason),
  });
}

async function expectWellOnceItWorks(): Promise<void> {
  await nft.accept();
  await until("it is healthy", async () => (await sidecar.api("GET", "/healthz")).status === 200);
  await expectOldPolicy();
  expect(await sidecar.api("PUT", "/policy", { body: LARGE })).toMatchObject({ status: 200 });
  expect(await lab.curl("http://203.0.113.3/")).toMatchObject({ status: 200 });
}

test("it is gone: a large change is 500, the old policy holds, a small one still goes over netlink", async () => {
  await nft.remove();
  expect(await sidecar.api("PATCH", "/policy", { body: SMALL.egress })).toMatchObject({ status: 200 });
  expect(await lab.curl("http://203.0.113.3/")).toMatchObject({ status: 200 });
  expect(await sidecar.api("PUT", "/policy", { body: OLD })).toMatchObject({ status: 200 });
  expect(await sidecar.api("PUT", "/policy", { body: LARGE })).toMatchObject({
    status: 500,
    text: expect.stringMatching(/^failed to apply nftables policy: nft: is not installed/),
  });
  await expectHealthTells(/nft: is not installed/);
  expect(await readMemory(sidecar)).toEqual({ ...OLD, defaultAction: "deny" });
  expect(await lab.curl("http://one.example.org/")).toMatchObject({ status: 200 });
  expect(await lab.curl("http://203.0.113.3/")).toMatchObject({ exitCode: 7 });
});

test("it is gone when somebody deletes our table: health tells why, and it is repaired once it is back", async () => {
  await nft.remove();
  await requireCommand(argvIn(lab.sandbox, ["nft", "delete", "table", "inet", "opensandbox"]));
  await until("it is told", () => repairs().some(({ error }) => /not installed/.test(String(error))));
  await expectHealthTells(/nft: is not installed/);
  // What was left, the guard of raw frames, lets nothing out without the table.
  expect(await lab.curl("--max-time", "1", "http://203.0.113.3/")).toMatchObject({ exitCode: 28 });
  await expectWellOnceItWorks();
});

test("it is gone when somebody deletes our table: a change that is refused meanwhile costs no name its addresses", async () => {
  expect(await sidecar.api("PUT", "/policy", { body: BOTH })).toMatchObject({ status: 200 });
  const download = await startDownload(lab, "http://one.example.org/slow", "-4");
  await lab.dig("two.example.org", "A");
  await nft.remove();
  await requireCommand(argvIn(lab.sandbox, ["nft", "delete", "table", "inet", "opensandbox"]));
  await until("it is told", () => repairs().some(({ error }) => /not installed/.test(String(error))));
  const deny = [{ action: "deny", target: "two.example.org" }];
  expect(await sidecar.api("PATCH", "/policy", { body: deny })).toMatchObject({ status: 500 });
  await nft.accept();
  await until("it is healthy", async () => (await sidecar.api("GET", "/healthz")).status === 200);
  expect(await readAddresses(lab.sandbox, "dyn_allow_v4")).toEqual(["198.51.100.1", "198.51.100.2"]);
  const octets = download.octets();
  await until("the download goes on", () => download.octets() > octets);
  expect(download.hasEnded()).toBe(false);
});

test("it is gone when somebody deletes our table: addresses that could not be renewed meanwhile are back, and flows go on", async () => {
  const download = await startDownload(lab, "http://one.example.org/slow", "-4");
  await nft.remove();
  await requireCommand(argvIn(lab.sandbox, ["nft", "delete", "table", "inet", "opensandbox"]));
  await until("the round of renewals is refused", () => isTold(/are not renewed/));
  await nft.accept();
  await until("it is healthy", async () => (await sidecar.api("GET", "/healthz")).status === 200);
  expect(await readSet(lab.sandbox, "dyn_allow_v4")).toMatchObject([
    { address: "198.51.100.1", comment: "one.example.org" },
  ]);
  const octets = download.octets();
  await until("the download goes on", () => download.octets() > octets);
  expect(download.hasEnded()).toBe(false);
});

test("it does its work and then hangs: 500 within a bound, health tells, the old policy is back once it works", async () => {
  await nft.hang();
  const answer = await sidecar.api("PUT", "/policy", { body: LARGE });
  expect(answer).toMatchObject({
    status: 500,
    text: expect.stringMatching(/^failed to apply nftables policy: nft: no answer in/),
  });
  await expectHealthTells(/nft: no answer in/);
  expect(await readMemory(sidecar)).toEqual({ ...OLD, defaultAction: "deny" });
  // Denied still, though the policy that the kernel may hold allows names below it.
  expect(await lab.dig("two.example.org", "A")).toMatchObject({ rcode: "NOERROR", addresses: [] });
  await expectWellOnceItWorks();
});

const isTold = (msg: RegExp): boolean => sidecar.logs().some((line) => msg.test(String(line["msg"])));

const repairs = (): readonly Readonly<Record<string, unknown>>[] =>
  sidecar.logs().filter((line) => line["opensandbox.event"] === "egress.ruleset_repaired");
