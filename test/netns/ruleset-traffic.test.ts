/** What passes a loaded ruleset and what does not, from the view of an honest workload. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { createRulesetLab, OURS, type RulesetLab } from "../netfilter/ruleset-lab.ts";
import { compiledPolicy } from "../support/policy.ts";
import { until } from "../support/until.ts";

let on: RulesetLab;
beforeAll(async () => {
  on = await createRulesetLab();
  await on.load({
    policy: compiledPolicy("deny", "deny 198.51.100.66", "allow 198.51.100.0/24", "allow 2001:db8:100::/64"),
  });
});
afterAll(async () => {
  await on[Symbol.asyncDispose]();
});

const FAMILIES = [
  {
    name: "IPv4",
    allowed: "198.51.100.1",
    unlisted: "203.0.113.1",
    resolver: "203.0.113.53",
    upstream: "192.0.2.1",
  },
  {
    name: "IPv6",
    allowed: "2001:db8:100::1",
    unlisted: "2001:db8:100:1::1",
    resolver: "2001:db8:1ff::53",
    upstream: "2001:db8::1",
  },
];

describe.each(FAMILIES)("$name", ({ name, allowed, unlisted, resolver, upstream }) => {
  test("an allowed address is reachable", async () => {
    expect(await on.probe("tcp", allowed, "80")).toMatchObject({ result: "connected" });
    expect(await on.probe("udp", allowed, "7", "hello")).toMatchObject({ result: "hello" });
    expect(await on.probe("ping", allowed)).toMatchObject({ result: "answered" });
  });

  test("an unlisted address is refused at once, and nothing leaves", async () => {
    const frames = await on.lab.canary.during(async () => {
      const tcp = await on.probe("tcp", unlisted, "80");
      expect(tcp.result).toBe("ECONNREFUSED");
      const udp = await on.probe("udp", unlisted, "7", "hello");
      expect(["EACCES", "EHOSTUNREACH", "EPERM"]).toContain(udp.result);
      await until("it is refused at once", async () => (await on.probe("tcp", unlisted, "80")).ms < 500);
      expect((await on.probe("ping", unlisted)).result).not.toBe("answered");
    });
    expect(frames.filter(({ destination }) => destination === unlisted)).toEqual([]);
  });

  test("a lookup at any server is answered by the resolver", async () => {
    const frames = await on.lab.canary.during(async () => {
      for (const server of [resolver, upstream]) {
        expect(await on.probe("udp", server, "53", "q")).toMatchObject({ result: "resolver q" });
        expect(await on.probe("tcp", server, "53", "q")).toMatchObject({ result: "resolver q" });
      }
    });
    expect(frames.filter(({ destinationPort }) => destinationPort === 53)).toEqual([]);
  });

  test("our own sockets reach port 53 of the upstream and nothing else", async () => {
    const asked = await on.lab.canary.during(() =>
      on.probeAsSidecar("udp", upstream, "53", "hello", ...OURS),
    );
    expect(asked).toContainEqual(
      expect.objectContaining({ transport: "udp", destination: upstream, destinationPort: 53 }),
    );
    expect(await on.probeAsSidecar("tcp", upstream, "53", "", ...OURS)).toMatchObject({
      result: "connected",
    });
    expect(await on.probeAsSidecar("tcp", upstream, "80", "", ...OURS)).toMatchObject({
      result: "ECONNREFUSED",
    });
    expect(await on.probeAsSidecar("tcp", unlisted, "80", "", ...OURS)).toMatchObject({
      result: "ECONNREFUSED",
    });
    expect(await on.probeAsSidecar("udp", resolver, "53", "q", ...OURS)).toMatchObject({
      result: "resolver q",
    });
  });

  test("two of our three marks open nothing", async () => {
    const [mark, priority, group] = OURS;
    for (const marks of [
      [mark, "7", group],
      ["7", priority, group],
      [mark, priority],
    ]) {
      expect(await on.probeAsSidecar("udp", upstream, "53", "q", ...marks)).toMatchObject({
        result: "resolver q",
      });
    }
  });

  test("a flow left over from our own lookup leads nobody to the upstream", async () => {
    await on.probeAsSidecar("udp-from", "41000", upstream, "53", "ours", ...OURS);
    const frames = await on.lab.canary.during(() => on.probe("udp-from", "41000", upstream, "53", "theirs"));
    expect(frames.filter(({ destinationPort }) => destinationPort === 53)).toEqual([]);
  });

  test("DNS over TLS is refused even at an allowed address", async () => {
    expect(await on.probe("tcp", allowed, "853")).toMatchObject({ result: "ECONNREFUSED" });
  });

  test("callers from outside are answered", async () => {
    const own = name === "IPv4" ? "192.0.2.2" : "2001:db8::2";
    const port = "9080";
    await using _server = await on.startServer(on.lab.sandbox, "web", `${own},${port}`);
    expect(await on.probeFromOutside("tcp", own, port, "get")).toMatchObject({ result: "web get" });
    expect(await on.probeFromOutside("udp", own, port, "get")).toMatchObject({ result: "timeout" });
    expect(await on.probeFromOutside("ping", own)).toMatchObject({ result: "answered" });
  });
});

test("an address that a rule denies stays denied inside an allowed prefix", async () => {
  expect(await on.probe("tcp", "198.51.100.66", "80")).toMatchObject({ result: "ECONNREFUSED" });
});

test("a learned address is reachable on all ports", async () => {
  await execIn(on.lab.sandbox, [
    "nft",
    "add element inet opensandbox dyn_allow_v4 { 203.0.113.9 timeout 60s }",
  ]);
  expect(await on.probe("tcp", "203.0.113.9", "8080")).toMatchObject({ result: "connected" });
});

test("neighbours are found again after the cache is emptied", async () => {
  await execIn(on.lab.sandbox, ["ip", "neigh", "flush", "dev", "eth0"]);
  expect(await on.probe("tcp", "198.51.100.1", "80")).toMatchObject({ result: "connected" });
  expect(await on.probe("tcp", "2001:db8:100::1", "80")).toMatchObject({ result: "connected" });
  await execIn(on.lab.internet, ["ip", "neigh", "flush", "dev", "eth0"]);
  expect(await on.probeFromOutside("ping", "2001:db8::2")).toMatchObject({ result: "answered" });
});

test("the workload's own servers on loopback are reachable", async () => {
  await using _server = await on.startServer(on.lab.sandbox, "local", "127.0.0.1,9000", "::1,9000");
  expect(await on.probe("tcp", "127.0.0.1", "9000", "x")).toMatchObject({ result: "local x" });
  expect(await on.probe("udp", "::1", "9000", "x")).toMatchObject({ result: "local x" });
  expect(await on.probe("ping", "127.0.0.1")).toMatchObject({ result: "answered" });
  expect(await on.probe("udp", "127.0.0.1", "9001", "x")).toMatchObject({ result: "ECONNREFUSED" });
});

describe("settings", () => {
  const policy = compiledPolicy("allow", "deny 203.0.113.0/24");

  test("allowed by default: all but what is denied", async () => {
    await on.load({ policy, generation: 8 });
    expect(await on.probe("tcp", "198.51.100.200", "80")).toMatchObject({ result: "connected" });
    expect(await on.probe("udp", "198.51.100.200", "7", "x")).toMatchObject({ result: "x" });
    expect(await on.probe("tcp", "203.0.113.1", "80")).toMatchObject({ result: "ECONNREFUSED" });
    expect(await on.probe("udp", "203.0.113.53", "53", "q")).toMatchObject({ result: "resolver q" });
  });

  test("port 443 is blocked at listed resolvers only", async () => {
    await on.load({ policy, generation: 9, doh: ["198.51.100.0/25", "198.51.100.7"] });
    expect(await on.probe("tcp", "198.51.100.7", "443")).toMatchObject({
      ms: expect.any(Number),
      result: "ECONNREFUSED",
    });
    const blocked = await on.lab.canary.during(() => on.probe("udp", "198.51.100.7", "443", "x"));
    expect(blocked.filter(({ destinationPort }) => destinationPort === 443)).toEqual([]);
    const open = await on.lab.canary.during(() => on.probe("tcp", "198.51.100.200", "443"));
    expect(open).toContainEqual(expect.objectContaining({ destinationPort: 443 }));
  });

  test("an exempt nameserver is asked directly, on port 53 only", async () => {
    await on.load({ generation: 10, exemptNameservers: ["203.0.113.53", "2001:db8:1ff::53"] });
    const frames = await on.lab.canary.during(async () => {
      await on.probe("tcp", "203.0.113.53", "53");
      await on.probe("tcp", "2001:db8:1ff::53", "53");
      await on.probe("udp", "203.0.113.53", "53", "q");
    });
    const asked = frames
      .filter(({ destinationPort }) => destinationPort === 53)
      .map(({ destination }) => destination);
    expect(new Set(asked)).toEqual(new Set(["203.0.113.53", "2001:db8:1ff::53"]));
    expect(await on.probe("tcp", "203.0.113.53", "80")).toMatchObject({ result: "ECONNREFUSED" });
    expect((await on.lab.dig("@203.0.113.53", "one.example.org", "A")).addresses).toEqual(["198.51.100.1"]);
  });

  test("UDP from outside may open a flow where the setting says so", async () => {
    await on.load({ generation: 11, inboundUdp: true });
    await using _server = await on.startServer(on.lab.sandbox, "udp", "192.0.2.2,9002");
    expect(await on.probeFromOutside("udp", "192.0.2.2", "9002", "x")).toMatchObject({ result: "udp x" });
  });

  test("our events reach their collector past the policy, and nobody else does", async () => {
    await on.load({ generation: 12, ownDestinations: [{ address: "203.0.113.80", port: 80 }] });
    expect(await on.probeAsSidecar("tcp", "203.0.113.80", "80", "", ...OURS)).toMatchObject({
      result: "connected",
    });
    expect(await on.probe("tcp", "203.0.113.80", "80")).toMatchObject({ result: "ECONNREFUSED" });
  });

  test("in dns mode lookups are redirected and the rest is free", async () => {
    await on.load({ generation: 13, mode: "dns" });
    expect(await on.probe("udp", "203.0.113.53", "53", "q")).toMatchObject({ result: "resolver q" });
    expect(await on.probe("tcp", "2001:db8:1ff::53", "53", "q")).toMatchObject({ result: "resolver q" });
    expect(await on.probe("tcp", "203.0.113.1", "80")).toMatchObject({ result: "connected" });
    expect(await on.probeAsSidecar("tcp", "192.0.2.1", "53", "", ...OURS)).toMatchObject({
      result: "connected",
    });
    const raw = await on.lab.canary.during(() =>
      on.probe("raw", "203.0.113.99", "53", "198.51.100.1", "99", "x"),
    );
    expect(raw.filter(({ source }) => source === "203.0.113.99")).toEqual([]);
  });
});
