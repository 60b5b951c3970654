/**
 * Ways round the output hook, which a workload with CAP_NET_RAW has. Each is first shown to work where no
 * ruleset is loaded.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { execIn, writeSysctl } from "../../src/netns/namespace.ts";
import type { Frame } from "../support/canary.ts";
import { createRulesetLab, OURS, type RulesetLab } from "../netfilter/ruleset-lab.ts";
import { MARKS } from "../netfilter/ruleset-input.ts";
import { compiledPolicy } from "../support/policy.ts";
import { until } from "../support/until.ts";

const LO_MAC = "00:00:00:00:00:00";
const POLICY = compiledPolicy("deny", "allow 198.51.100.0/24", "allow 2001:db8:100::/64");

let on: RulesetLab;
let gatewayMac: string;
let sandboxMac: string;
beforeAll(async () => {
  on = await createRulesetLab();
  gatewayMac = await macOf(on.lab.internet);
  sandboxMac = await macOf(on.lab.sandbox);
});
afterAll(async () => {
  await on[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await on.applier.teardown();
});

async function macOf(namespace: RulesetLab["lab"]["sandbox"]): Promise<string> {
  const { stdout } = await execIn(namespace, ["cat", "/sys/class/net/eth0/address"]);
  return stdout.trim();
}

/** What `act` lets out without a ruleset, and then with one. */
async function beforeAndAfter(
  act: () => Promise<unknown>,
  wanted: (frame: Frame) => boolean,
): Promise<readonly [number, number]> {
  const before = await on.lab.canary.during(act);
  await on.load({ policy: POLICY });
  const after = await on.lab.canary.during(act);
  return [before.filter(wanted).length, after.filter(wanted).length];
}

describe.each([
  {
    name: "IPv4",
    own: "192.0.2.2",
    allowed: "198.51.100.1",
    elsewhere: "203.0.113.99",
    loopback: "127.0.0.1",
  },
  {
    name: "IPv6",
    own: "2001:db8::2",
    allowed: "2001:db8:100::1",
    elsewhere: "2001:db8:1ff::99",
    loopback: "::1",
  },
])("$name", ({ own, allowed, elsewhere, loopback }) => {
  test("a frame from a packet socket does not leave, not even to an allowed address", async () => {
    expect(
      await beforeAndAfter(
        () => on.probe("frame", "eth0", gatewayMac, own, "999", allowed, "999", "raw"),
        ({ destinationPort }) => destinationPort === 999,
      ),
    ).toEqual([1, 0]);
  });

  test("nor does one with our own marks", async () => {
    await on.load({ policy: POLICY });
    const frames = await on.lab.canary.during(() =>
      on.probeAsSidecar("frame", "eth0", gatewayMac, own, "999", allowed, "999", "raw", ...OURS),
    );
    expect(frames.filter(({ destinationPort }) => destinationPort === 999)).toEqual([]);
  });

  test("a forged source does not leave through a raw socket", async () => {
    expect(
      await beforeAndAfter(
        () => on.probe("raw", elsewhere, "999", allowed, "999", "spoofed"),
        ({ source }) => source === elsewhere,
      ),
    ).toEqual([1, 0]);
  });

  test("a frame put on lo reaches no socket, whatever its source", async () => {
    await believeEverything();
    await using server = await on.startServer(on.lab.sandbox, "local", `${loopback},9100`);
    const asked = (): readonly unknown[] => server.lines.map(({ text }) => text).filter(Boolean);
    const put = (text: string) => on.probe("frame", "lo", LO_MAC, loopback, "999", loopback, "9100", text);
    await put("before");
    await on.probe("udp", loopback, "9100", "honest 1");
    await on.load({ policy: POLICY });
    await put("after");
    await on.probe("udp", loopback, "9100", "honest 2");
    expect(asked()).toEqual(["before", "honest 1", "honest 2"]);
  });

  test("a frame put on lo is not routed out", async () => {
    await believeEverything();
    expect(
      await beforeAndAfter(
        () => on.probe("frame", "lo", LO_MAC, elsewhere, "999", allowed, "999", "routed"),
        ({ source }) => source === elsewhere,
      ),
    ).toEqual([1, 0]);
  });

  test("what arrives for somebody else is not routed back out", async () => {
    await believeEverything();
    expect(
      await beforeAndAfter(
        () => on.probeFromOutside("frame", "eth0", sandboxMac, elsewhere, "999", allowed, "998", "routed"),
        ({ destinationPort }) => destinationPort === 998,
      ),
    ).toEqual([1, 0]);
  });
});

/** The settings that a careless host leaves to its containers: routing on, and no check of sources. */
async function believeEverything(): Promise<void> {
  for (const device of ["all", "lo", "eth0"]) {
    for (const [setting, value] of Object.entries({
      rp_filter: "0",
      accept_local: "1",
      route_localnet: "1",
    })) {
      await writeSysctl(on.lab.sandbox, `net.ipv4.conf.${device}.${setting}`, value);
    }
    await writeSysctl(on.lab.sandbox, `net.ipv6.conf.${device}.forwarding`, "1");
  }
  await writeSysctl(on.lab.sandbox, "net.ipv4.ip_forward", "1");
}

test("ARP from a packet socket does not leave, the kernel's own does", async () => {
  expect(await beforeAndAfter(() => on.probe("arp", "eth0"), isArpWithPayload)).toEqual([1, 0]);
  const own = await on.lab.canary.during(async () => {
    await execIn(on.lab.sandbox, ["ip", "neigh", "flush", "dev", "eth0"]);
    expect(await on.probe("tcp", "198.51.100.1", "80")).toMatchObject({ result: "connected" });
  });
  expect(own.some(({ transport }) => transport === "arp")).toBe(true);
});

test.each(["eth0", "lo"])("a packet socket on %s sees neither our marks nor the stamp", async (device) => {
  const [address, mark] = device === "lo" ? ["127.0.0.11", MARKS.mark] : ["192.0.2.1", MARKS.mark];
  await using open = await on.startProbe("tap", device, String(mark), "without rules");
  await using ours = await on.startProbe("tap", device, String(mark), "under rules");
  await using stamps = await on.startProbe("tap", device, String(MARKS.stampMark));
  const ask = (text: string) => on.probeAsSidecar("udp", address, "53", text, ...OURS);
  await ask("without rules");
  await until("the tap sees it", () => open.lines.length > 1);
  await on.load({ upstreams: [{ address, port: 53 }], policy: POLICY });
  await ask("under rules");
  await on.probe("tcp", "198.51.100.1", "80");
  expect(ours.lines.length).toBe(1);
  expect(stamps.lines.length).toBe(1);
});

describe("Docker's resolver on 127.0.0.11", () => {
  const upstreams = [{ address: "127.0.0.11", port: 53 }];
  // As libnetwork does it: it listens on a port of its own, and NAT leads port 53 there.
  const DOCKER_NAT = `table ip docker_nat {
    chain output { type nat hook output priority -100; policy accept;
      ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:40053
      ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:40053
    }
    chain postrouting { type nat hook postrouting priority 100; policy accept;
      ip saddr 127.0.0.11 udp sport 40053 snat to :53
      ip saddr 127.0.0.11 tcp sport 40053 snat to :53
    }
  }`;

  test("is asked by us alone, on any port and by any way", async () => {
    await using docker = await on.startServer(on.lab.sandbox, "docker", "127.0.0.11,40053");
    await execIn(on.lab.sandbox, ["nft", "-f", "-"], { input: DOCKER_NAT });
    expect(await on.probe("udp", "127.0.0.11", "53", "before")).toMatchObject({ result: "docker before" });
    await believeEverything();
    await on.probe("frame", "lo", LO_MAC, "127.0.0.1", "41003", "127.0.0.11", "40053", "frame before");
    await expect.poll(() => docker.lines).toContainEqual(expect.objectContaining({ text: "frame before" }));
    await on.load({ upstreams });

    expect(await on.probeAsSidecar("udp", "127.0.0.11", "53", "u", ...OURS)).toMatchObject({
      result: "docker u",
    });
    expect(await on.probeAsSidecar("tcp", "127.0.0.11", "53", "t", ...OURS)).toMatchObject({
      result: "docker t",
    });
    await on.probeAsSidecar("udp-from", "41001", "127.0.0.11", "53", "ours", ...OURS);
    await until("it has heard all of ours", () => docker.lines.some(({ text }) => text === "ours"));
    const asked = docker.lines.length;

    expect(await on.probe("udp", "127.0.0.11", "53", "q")).toMatchObject({ result: "resolver q" });
    expect(await on.probe("tcp", "127.0.0.11", "53", "q")).toMatchObject({ result: "resolver q" });
    expect(await on.probe("udp", "127.0.0.11", "40053", "q")).toMatchObject({ result: "EPERM" });
    expect(await on.probe("tcp", "127.0.0.11", "40053", "q")).toMatchObject({ result: "ECONNREFUSED" });
    await on.probe("udp-from", "41001", "127.0.0.11", "53", "left over");
    await on.probe("raw", "127.0.0.1", "41001", "127.0.0.11", "53", "raw");
    await on.probe("raw", "127.0.0.1", "41002", "127.0.0.11", "40053", "raw");
    for (const port of ["41001", "41003"]) {
      await on.probe("frame", "lo", LO_MAC, "127.0.0.1", port, "127.0.0.11", "40053", "frame");
    }
    expect(docker.lines.slice(asked)).toEqual([]);
    await execIn(on.lab.sandbox, ["nft", "delete", "table", "ip", "docker_nat"]);
  });

  test("without a redirect of its own it is asked by us alone too, in dns mode as well", async () => {
    await using server = await on.startServer(on.lab.sandbox, "stub", "127.0.0.53,53", "127.0.0.1,5300");
    const both = [
      { address: "127.0.0.53", port: 53 },
      { address: "127.0.0.1", port: 5300 },
    ];
    for (const mode of ["dns+nft", "dns"] as const) {
      await on.load({ mode, upstreams: both });
      expect(await on.probeAsSidecar("udp", "127.0.0.53", "53", "u", ...OURS)).toMatchObject({
        result: "stub u",
      });
      expect(await on.probeAsSidecar("tcp", "127.0.0.1", "5300", "u", ...OURS)).toMatchObject({
        result: "stub u",
      });
      expect(await on.probe("udp", "127.0.0.53", "53", "q")).toMatchObject({ result: "resolver q" });
      expect(await on.probe("udp", "127.0.0.1", "5300", "q")).toMatchObject({ result: "EPERM" });
      await on.probe("frame", "lo", LO_MAC, "127.0.0.1", "41003", "127.0.0.1", "5300", "frame");
      expect(server.lines.slice(1).filter(({ text }) => text !== "u")).toEqual([]);
    }
  });
});

function isArpWithPayload({ transport, length }: Frame): boolean {
  return transport === "arp" && length > 42;
}
