/**
 * Somebody with the right to it changes our rules from outside: noticed, told, repaired, and nothing that was
 * allowed is cut.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { requireCommand } from "../../src/netns/command.ts";
import { argvIn, execIn } from "../../src/netns/namespace.ts";
import { urlAt } from "../support/curl.ts";
import { type Download, startDownload } from "../support/download.ts";
import { FAMILIES, skipWithoutFamily, urlOf } from "../support/families.ts";
import { readAddresses } from "../support/kernel-sets.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { promised, TEST_MS } from "../support/limits.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const POLICY = {
  egress: [
    { action: "allow", target: "one.example.org" },
    { action: "allow", target: "two.example.org" },
    { action: "deny", target: "203.0.113.64/26" },
    { action: "allow", target: "203.0.113.0/24" },
    { action: "allow", target: "2001:db8:100::80/121" },
  ],
};

const lab = useLab({ upstream: { ttlSeconds: 300 } });
let sidecar: Sidecar;
let download: Download;
beforeAll(async () => {
  sidecar = await lab.startSidecar({ policy: POLICY });
});
beforeEach(async () => {
  download = await startDownload(lab, "http://one.example.org/slow", "-4");
});
afterEach(async () => {
  await download.stop();
});

async function nft(script: string): Promise<void> {
  await requireCommand(argvIn(lab.sandbox, ["nft", "-f", "-"]), { input: script });
}

/** Ours, without what moves by itself. The generation is another one after each load. */
async function readRuleset(): Promise<string> {
  const tables = ["inet opensandbox", "arp opensandbox_arp", "netdev opensandbox_guard"];
  const texts = tables.map(async (table) => {
    const { stdout } = await execIn(lab.sandbox, ["nft", "-s", "list", "table", ...table.split(" ")]);
    return stdout
      .replaceAll(/ (expires|timeout) \S+?(?=[, ]|$)/gm, "")
      .replaceAll(/ct mark (set )?0x[0-7][0-9a-f]{7}/g, "GENERATION")
      .replaceAll(/elements = \{[^}]*\}/g, sortElements);
  });
  return (await Promise.all(texts)).join("\n");
}

function sortElements(text: string): string {
  return text
    .split(/[{},]/)
    .map((element) => element.trim())
    .toSorted()
    .join("\n");
}

const repairs = (): readonly Readonly<Record<string, unknown>>[] =>
  sidecar.logs().filter((line) => line["opensandbox.event"] === "egress.ruleset_repaired");

/** That it is noticed, told as `found` says, and everything is as it was; the download goes on. */
async function expectRepaired(change: string, found: string): Promise<void> {
  const before = await readRuleset();
  const told = repairs().length;
  await nft(change);
  const event = await until("it is repaired", () => repairs()[told], promised(1_000));
  expect(event).toMatchObject({
    level: "warn",
    found: expect.arrayContaining([expect.stringContaining(found)]),
    by: [expect.stringMatching(/^nft \(process \d+\)$/)],
  });
  expect(event).not.toHaveProperty("error");
  expect(await readRuleset()).toBe(before);
  await expectHealthy();
  const octets = download.octets();
  await until("the download goes on", () => download.octets() > octets + 8_192);
  expect(download.hasEnded()).toBe(false);
}

async function expectHealthy(): Promise<void> {
  await until("it is healthy", async () => (await sidecar.api("GET", "/healthz")).status === 200);
}

const CHANGES: readonly (readonly [title: string, script: string, found: string])[] = [
  ["all rules flushed", "flush ruleset", "inet opensandbox: table deleted"],
  ["the table deleted", "delete table inet opensandbox", "inet opensandbox: table deleted"],
  ["the guard of raw frames deleted", "delete table netdev opensandbox_guard", "netdev opensandbox_guard"],
  ["a rule inserted", "insert rule inet opensandbox egress accept", "rule added in chain egress"],
  ["a chain emptied", "flush chain inet opensandbox antispoof", "rule deleted in chain antispoof"],
  ["the generation's rule changed", "flush chain inet opensandbox current", "rule deleted in chain current"],
  [
    "a chain of its own in our table",
    "add chain inet opensandbox theirs { type filter hook output priority -400; policy accept; }\nadd rule inet opensandbox theirs accept",
    "chain added theirs",
  ],
  ["the chain policy opened", "chain inet opensandbox egress { policy accept; }", "chain added egress"],
  ["the table put to sleep", "table inet opensandbox { flags dormant; }", "inet opensandbox: table added"],
  [
    "an address allowed",
    "add element inet opensandbox allow_v4 { 198.51.100.99 }",
    "element added in set allow_v4",
  ],
  ["the denied addresses emptied", "flush set inet opensandbox deny_v4", "element deleted in set deny_v4"],
  [
    "an address added to the learned ones",
    'add element inet opensandbox dyn_allow_v4 { 198.51.100.99 timeout 30d comment "one.example.org" }',
    "element added in set dyn_allow_v4",
  ],
  [
    "the learned ones emptied",
    "flush set inet opensandbox dyn_allow_v4",
    "element deleted in set dyn_allow_v4",
  ],
  [
    "a set made anew as another kind",
    `delete table inet opensandbox
     add table inet opensandbox
     add set inet opensandbox dyn_allow_v4 { type ipv4_addr . inet_service; }`,
    "set added dyn_allow_v4",
  ],
];

test.each(CHANGES)(
  "%s: it is noticed, told, and put right, and what is allowed goes on",
  async (_, script, found) => {
    await expectRepaired(script, found);
    expect(await lab.curl("http://198.51.100.99/")).toMatchObject({ exitCode: 7 });
  },
);

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  test("a learned address that somebody deleted is back, and no client is given one that the kernel refuses", async () => {
    await lab.dig("two.example.org", family.qtype);
    const set = `dyn_allow_${family.set}`;
    await expectRepaired(
      `delete element inet opensandbox ${set} { ${family.two} }`,
      `element deleted in set ${set}`,
    );
    expect(await readAddresses(lab.sandbox, set)).toContain(family.two);
    expect(await lab.curl(...urlAt(family.two, "http://two.example.org/"))).toMatchObject({ status: 200 });
  });

  test("a host that a change has denied is still revoked after everything was flushed", async () => {
    await lab.dig("two.example.org", family.qtype);
    const deny = [{ action: "deny", target: "two.example.org" }];
    expect(await sidecar.api("PATCH", "/policy", { body: deny })).toMatchObject({ status: 200 });
    await expectRepaired("flush ruleset", "inet opensandbox: table deleted");
    expect(await readAddresses(lab.sandbox, `revoked_${family.set}`)).toContain(family.two);
    expect(await lab.curl(urlOf(family.two))).toMatchObject({ exitCode: 7 });
    expect(await sidecar.api("PUT", "/policy", { body: POLICY })).toMatchObject({ status: 200 });
  });
});

test("changes of other tables are nothing to it, however many", async () => {
  const told = repairs().length;
  const updates = await readMetric("egress_nftables_updates_total");
  for (let index = 0; index < 30; index += 1) {
    await nft(`table inet theirs { set opensandbox { type ipv4_addr; elements = { 192.0.2.${index} } }; }`);
  }
  await nft("delete table inet theirs");
  // What is ours is noticed after all that, and by then all that has been read.
  await expectRepaired("insert rule inet opensandbox egress accept", "rule added in chain egress");
  expect(repairs()).toHaveLength(told + 1);
  expect(await readMetric("egress_nftables_updates_total")).toBeLessThan(updates + 10);
});

test("somebody who goes on and on: loaded a few times a second at most, told by health, and good again afterwards", async () => {
  const script = "until [ -e $0 ]; do nft insert rule inet opensandbox egress accept; sleep 0.05; done";
  const over = join(lab.stateFolder, "quarrel-is-over");
  const told = repairs().length;
  const began = performance.now();
  const quarrel = execIn(lab.sandbox, ["sh", "-c", script, over], { timeoutMs: TEST_MS });
  await until("health tells", async () => {
    const { status, text } = await sidecar.api("GET", "/healthz");
    return status === 503 && /changed from outside/.test(text);
  });
  await until("it was reconciled in vain", () => repairs().length - told > 2);
  await sleep(2_000);
  await writeFile(over, "");
  await quarrel;
  await expectHealthy();
  // Four times in the first second and a half, then once a second, and once more at the end.
  const seconds = (performance.now() - began) / 1000;
  expect(repairs().length - told).toBeLessThan(seconds + 6);
  expect(await lab.curl("http://198.51.100.99/")).toMatchObject({ exitCode: 7 });
  const counted = await readMetric("egress_nftables_repairs_total");
  await expect.poll(() => repairs().length).toBe(counted);
});

async function readMetric(name: string): Promise<number> {
  const { text } = await sidecar.api("GET", "/metrics");
  const [, value] = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)`, "m").exec(text) ?? [];
  return Number(value);
}
