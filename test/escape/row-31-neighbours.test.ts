/** Row 31: who is a neighbour and where a router is, said by a workload. Row 23: what such messages carry. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { configure, execIn, type NetworkNamespace, writeSysctl } from "../../src/netns/namespace.ts";
import { INTERNET_V4, INTERNET_V6, SANDBOX_V6 } from "../support/lab.ts";
import type { Sidecar } from "../support/sidecar.ts";
import type { Frame } from "../support/canary.ts";
import { skipBecause } from "../support/skip.ts";
import { useLab } from "../support/use-lab.ts";
import { until } from "../support/until.ts";
import { attack, expectRefused, leaksOf, macOf, type Outcome, POLICY, startAttack } from "./attack.ts";

const NEIGHBOUR = { IPv4: "192.0.2.77", IPv6: "2001:db8::77" } as const;
const NEIGHBOURS_MAC = "02:00:00:00:00:77";
const FORGED_MAC = "02:00:00:00:ba:d0";
const DENIED = "2001:db8:100:ee::31";
const MESSAGES = 11;

const lab = useLab();

const send = (): Promise<Outcome> =>
  attack(lab, "neighbours", "send", SANDBOX_V6, INTERNET_V6, NEIGHBOUR.IPv6, DENIED);
const sendArp = (): Promise<Outcome> => attack(lab, "neighbours", "arp", "eth0", INTERNET_V4, NEIGHBOUR.IPv4);

/** The link-layer address by which the namespace reaches it. */
async function macAt(namespace: NetworkNamespace, address: string): Promise<string | undefined> {
  const { stdout } = await execIn(namespace, ["ip", "neigh", "show", address, "dev", "eth0"]);
  return /lladdr (\S+)/.exec(stdout)?.[1];
}

/** What the gateway knows of the neighbour, and the sandbox of the gateway. */
async function learnTheTruth(): Promise<void> {
  const gateway = await macOf(lab.internet);
  for (const address of lab.ipv6 ? Object.values(NEIGHBOUR) : [NEIGHBOUR.IPv4]) {
    await configure(lab.internet, [
      `neigh replace ${address} lladdr ${NEIGHBOURS_MAC} dev eth0 nud reachable`,
      `neigh change ${address} lladdr ${NEIGHBOURS_MAC} dev eth0 nud stale`,
    ]);
  }
  if (lab.ipv6)
    await configure(lab.sandbox, [`neigh replace ${INTERNET_V6} lladdr ${gateway} dev eth0 nud stale`]);
}

async function routesOfSandbox(): Promise<string> {
  return (await execIn(lab.sandbox, ["ip", "-6", "route"])).stdout;
}

// As a container has it by default.
beforeAll(async () => {
  if (lab.ipv6) await writeSysctl(lab.sandbox, "net.ipv6.conf.eth0.accept_ra", "1");
});

describe("without a sidecar", () => {
  beforeEach(learnTheTruth);

  test("neighbours are impersonated, and the sandbox believes its own router", async (context) => {
    if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
    const outcome = await send();
    expect(Object.values(outcome)).toEqual(Array.from({ length: MESSAGES }, () => "sent"));
    expect(await macAt(lab.internet, NEIGHBOUR.IPv6)).toBe(FORGED_MAC);
    expect(await macAt(lab.sandbox, INTERNET_V6)).toBe(FORGED_MAC);
    expect(await routesOfSandbox()).toContain(`${DENIED} dev eth0`);
    await configure(lab.sandbox, [`route del ${DENIED}/128 dev eth0`]);
  });

  test("neighbours are impersonated over IPv4", async () => {
    await sendArp();
    expect(await macAt(lab.internet, NEIGHBOUR.IPv4)).toBe(FORGED_MAC);
  });
});

describe.each([
  ["dns+nft", "deny"],
  ["dns+nft", "allow"],
  ["dns", "deny"],
])("under the sidecar in mode %s, by default %s", (mode, defaultAction) => {
  let sidecar: Sidecar;
  beforeAll(async () => {
    const env = { OPENSANDBOX_EGRESS_MODE: mode };
    sidecar = await lab.startSidecar({ policy: { ...POLICY, defaultAction }, env });
  });
  beforeEach(learnTheTruth);
  afterAll(async () => {
    await sidecar.kill("SIGKILL");
  });

  test("no message of neighbour discovery is sent but by the kernel, nor believed", async (context) => {
    if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
    let outcome: Outcome = {};
    const leaks = await leaksOf(lab, async () => (outcome = await send()));
    expect(Object.keys(outcome)).toHaveLength(MESSAGES);
    expectRefused(outcome);
    expect(leaks.filter(({ transport }) => transport === "icmpv6")).toEqual([]);
    expect(await macAt(lab.internet, NEIGHBOUR.IPv6)).toBe(NEIGHBOURS_MAC);
    expect(await macAt(lab.sandbox, INTERNET_V6)).toBe(await macOf(lab.internet));
    expect(await routesOfSandbox()).not.toContain(DENIED);
  });

  test("the kernel's own goes on: a neighbour that is forgotten is found again", async (context) => {
    if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
    await configure(lab.sandbox, [`neigh del ${INTERNET_V6} dev eth0`]);
    await configure(lab.internet, [`neigh flush dev eth0`]);
    expect(await lab.dig("-t", "AAAA", "one.example.org")).toMatchObject({ rcode: "NOERROR" });
    expect(await lab.curl("-6", "http://one.example.org/")).toMatchObject({ status: 200 });
    expect(await macAt(lab.sandbox, INTERNET_V6)).toBe(await macOf(lab.internet));
  });

  test("over IPv4 a neighbour's name is guarded with raw frames, so not in mode dns", async () => {
    await sendArp();
    expect(await macAt(lab.internet, NEIGHBOUR.IPv4)).toBe(mode === "dns" ? FORGED_MAC : NEIGHBOURS_MAC);
  });
});

/**
 * Listener reports (to ff02::16), while the workload joins thousands of groups whose numbers are its own
 * data.
 */
async function reportsOfMany(): Promise<readonly Frame[]> {
  const frames = await lab.canary.during(async () => {
    await using flood = await startAttack(lab, "flood", "groups", "eth0", "-");
    await until("it has joined them", () => flood.lines.some(({ event }) => event === "done"));
  });
  return frames.filter(({ destination }) => destination === "ff02::16");
}

describe("row 23: groups that are joined to say something", () => {
  const BURST = 20;
  const A_SECOND = 2;

  test("are reported at the kernel's own pace without a sidecar", async (context) => {
    if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
    await execIn(lab.sandbox, ["nft", "flush", "ruleset"]);
    // On a busy machine it joins fewer, and the kernel says less of them.
    let most = 0;
    for (let round = 0; round < 4 && most <= BURST + 8 * A_SECOND; round++) {
      most = Math.max(most, (await reportsOfMany()).length);
    }
    expect(most).toBeGreaterThan(BURST + 8 * A_SECOND);
  });

  test("are reported a few times a second under one", async (context) => {
    if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
    await using _sidecar = await lab.startSidecar({ policy: POLICY });
    // None where the machine is quick: the kernel puts all groups into large reports then, which do not pass.
    const reports = await reportsOfMany();
    const seconds = (reports.at(-1)?.time ?? 0) - (reports[0]?.time ?? 0);
    expect(reports.length).toBeLessThan(BURST + A_SECOND * (seconds + 2));
  });
});
