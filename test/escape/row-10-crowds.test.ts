/**
 * Row 10: the API called by guessers and crowds. Row 11: its ports shared after the start. Row 15: floods at
 * the resolver. Row 22: signed writes.
 */
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { execIn } from "../../src/netns/namespace.ts";
import { FAMILIES } from "../support/families.ts";
import { createLab } from "../support/lab.ts";
import { readMemory } from "../support/policy-places.ts";
import { type Sidecar, WITHOUT_BOUNDS } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, POLICY, questionsOf, readApiPort, startAttack } from "./attack.ts";

const LOOPBACK = ["127.0.0.1", "::1"];
const API = "http://192.0.2.2:18080";
/** A name whose text has some 15,000 octets. */
const LARGE = "large.wild.example.org";
const LARGE_TEXTS = Array.from(
  { length: 16 },
  (_, n) => `txt-record=${LARGE},${`${n}`.repeat(200)},${"x".repeat(250)},${"y".repeat(250)}`,
);
const PAGE_MIB = 4096 / (1 << 20);

const lab = useLab();
let sidecar: Sidecar;
beforeAll(async () => {
  const env = {
    ...WITHOUT_BOUNDS,
    OPENSANDBOX_EGRESS_SIGNED_WRITES: "true",
    OPENSANDBOX_EGRESS_LOG_LEVEL: "error",
  };
  sidecar = await lab.startSidecar({ policy: POLICY, env });
});

const addresses = () => ["192.0.2.2", "127.0.0.1", ...(lab.ipv6 ? ["2001:db8::2", "::1"] : [])];

async function isHealthy(): Promise<boolean> {
  return (await sidecar.api("GET", "/healthz")).status === 200;
}

async function residentMiB({ pid } = sidecar): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(?<kib>\d+)/.exec(status)?.groups?.["kib"]) / 1024;
}

test("row 10: no guessed or malformed call changes the policy, from any address", async () => {
  const before = await readMemory(sidecar);
  for (const address of addresses()) {
    const outcome = await attack(lab, "crowd", "requests", address, sidecar.token);
    const good = Object.entries(outcome).filter(([, result]) => /^HTTP\/1.1 2/.test(result));
    expect([address, good]).toEqual([address, []]);
    expect(outcome["guess 4"]).toMatch(/^HTTP\/1.1 401/);
  }
  expect(await readMemory(sidecar)).toEqual(before);
});

test("row 10: a thousand idle and half-made connections do not keep an operator out", async () => {
  await using crowd = await startAttack(lab, "crowd", "idle", "1000", ...addresses());
  expect(crowd.lines[0]).toMatchObject({ event: "ready" });
  expect(await lab.curlFromOutside(`${API}/healthz`)).toMatchObject({ status: 200 });
  expect(await sidecar.api("GET", "/policy")).toMatchObject({ status: 200 });
});

/** What the kernel holds for all TCP connections of the sandbox, at both of their ends. */
async function socketMiB({ sandbox } = lab): Promise<number> {
  const { stdout } = await execIn(sandbox, ["cat", "/proc/net/sockstat"]);
  return Number(/^TCP:.* mem (\d+)$/m.exec(stdout)?.[1]) * PAGE_MIB;
}

test("row 10: callers who ask on and on and read no answer hold up nobody, and little is kept for them", async () => {
  const before = await residentMiB();
  await using crowd = await startAttack(lab, "crowd", "unread-api", "400", ...addresses());
  expect(crowd.lines[0]).toMatchObject({ event: "ready" });
  for (let n = 0; n < 5; n++) {
    expect(await lab.curl("http://127.0.0.1:18080/healthz")).toMatchObject({
      status: 200,
    });
    expect(await lab.curlFromOutside(`${API}/healthz`)).toMatchObject({ status: 200 });
    expect(await sidecar.api("GET", "/policy")).toMatchObject({ status: 200 });
  }
  expect((await residentMiB()) - before).toBeLessThan(100);
  expect(await socketMiB()).toBeLessThan(100);
});

test("row 11: no port of the sidecar can be bound beside it, whatever the options", async () => {
  const outcome = await attack(lab, "squat", "try", "15353", String(await readApiPort(lab)));
  expect(Object.keys(outcome).length).toBe(48);
  const own = Object.entries(outcome).filter(([what]) =>
    LOOPBACK.some((address) => what.includes(` ${address} `)),
  );
  expect(new Set(own.map(([, result]) => result))).toEqual(new Set(["EADDRINUSE"]));
  const tcp = Object.entries(outcome).filter(([what]) => what.startsWith("SOCK_STREAM"));
  expect(new Set(tcp.map(([, result]) => result))).toEqual(new Set(["EADDRINUSE"]));
});

test("row 11: a wildcard socket on the resolver's port gets none of the lookups", async () => {
  await using squatter = await startAttack(lab, "squat", "hold", "15353");
  expect(await lab.dig("one.example.org")).toMatchObject({ addresses: ["198.51.100.1"] });
  expect(await lab.dig("+tcp", "@203.0.113.53", "one.example.org")).toMatchObject({
    addresses: ["198.51.100.1"],
  });
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
  expect(squatter.lines.slice(1)).toEqual([]);
});

/** Far more than may wait at once. */
const FLOOD = 20_000;

describe("row 15", () => {
  test("a flood of new names leaves memory bounded, others answered, denials denied", async () => {
    const before = await residentMiB();
    const resolvers = lab.ipv6 ? ["192.0.2.1", "2001:db8::1"] : ["192.0.2.1"];
    const flooding = attack(lab, "crowd", "flood", "4", String(FLOOD), ...resolvers);
    const asked = await questionsOf(lab, async () => {
      const answers = [];
      for (let n = 0; n < 8; n++) {
        answers.push(await lab.dig("+tries=4", "+time=1", "one.example.org"));
        answers.push(await lab.dig("+tries=4", "+time=1", "secret.three.example.org"));
      }
      const rcodes = answers.map(({ rcode }) => rcode);
      expect(rcodes.filter((rcode) => rcode === "NOERROR").length).toBeGreaterThanOrEqual(6);
      expect(
        rcodes.filter((_, n) => n % 2 === 1).every((rcode) => rcode === "NXDOMAIN" || rcode === undefined),
      ).toBe(true);
      expect(Number((await flooding)["sent"])).toBeGreaterThanOrEqual(FLOOD);
    });
    expect(asked.filter((qname) => qname.endsWith(".denied.example.org"))).toEqual([]);
    expect((await residentMiB()) - before).toBeLessThan(150);
    await until("it is healthy", isHealthy);
    expect(await lab.dig("after.wild.example.org")).toMatchObject({ addresses: ["198.51.100.20"] });
  });

  test("silent, dripping and half-closed TCP clients leave room for others", async () => {
    await using crowd = await startAttack(
      lab,
      "crowd",
      "slow",
      ...FAMILIES.filter(({ name }) => name === "IPv4" || lab.ipv6).map(({ upstream }) => upstream),
    );
    expect(crowd.lines[0]).toMatchObject({ event: "ready" });
    expect(await lab.dig("one.example.org")).toMatchObject({ addresses: ["198.51.100.1"] });
    expect(await lab.dig("+tcp", "+tries=3", "one.example.org")).toMatchObject({
      addresses: ["198.51.100.1"],
    });
  });
});

test("row 15: clients who read no answers over TCP have little kept for them, and leave room for others", async () => {
  await using other = await createLab({ upstream: { extra: LARGE_TEXTS } });
  const resolver = await other.startSidecar({ policy: POLICY });
  expect(await other.dig("+tcp", "-t", "TXT", LARGE)).toMatchObject({ rcode: "NOERROR" });
  const before = await residentMiB(resolver);
  const resolvers = FAMILIES.filter(({ name }) => name === "IPv4" || other.ipv6).map(
    ({ upstream }) => upstream,
  );
  await using crowd = await startAttack(other, "crowd", "unread-answers", "400", LARGE, ...resolvers);
  expect(crowd.lines[0]).toMatchObject({ event: "ready" });
  for (let n = 0; n < 5; n++) {
    expect(await other.dig("+tcp", "+tries=3", "one.example.org")).toMatchObject({
      addresses: ["198.51.100.1"],
    });
  }
  // 128 connections may have 320 KiB each; the rest is what the program grows by under its first load.
  expect((await residentMiB(resolver)) - before).toBeLessThan(75);
  expect(await socketMiB(other)).toBeLessThan(100);
});

test("row 22: with signed writes a token read off the wire changes nothing", async () => {
  const before = await readMemory(sidecar);
  for (const device of ["eth0", "lo"]) {
    await using sniffer = await startAttack(lab, "sniff", device, "OPENSANDBOX-EGRESS-AUTH");
    const header = ["-H", `OPENSANDBOX-EGRESS-AUTH: ${sidecar.token}`];
    if (device === "eth0") await lab.curlFromOutside(...header, `${API}/policy`);
    else await lab.curl(...header, "http://127.0.0.1:18080/policy");
    const seen = await until("the token is seen", () => sniffer.lines.find(({ event }) => event === "seen"));
    const { value } = z.object({ value: z.string() }).parse(seen);
    const body = JSON.stringify([{ action: "allow", target: "203.0.113.0/24" }]);
    const call = ["-X", "PATCH", "-H", `OPENSANDBOX-EGRESS-AUTH: ${value}`, "-d", body];
    expect(await lab.curl(...call, "http://127.0.0.1:18080/policy")).toMatchObject({ status: 401 });
    expect(await lab.curl(...call, `${API}/policy`)).toMatchObject({ status: 401 });
  }
  expect(await readMemory(sidecar)).toEqual(before);
});
