/**
 * Connections under the running sidecar: what names and address rules open, and how everything else is
 * refused.
 */
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { FAMILIES, type Family, skipWithoutFamily, urlOf } from "../support/families.ts";
import { readSet } from "../support/kernel-sets.ts";
import { startJsonServer } from "../support/json-server.ts";
import { probe, probeFromOutside, PROBE_SCRIPT } from "../support/probe.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";
import { workloadArgv } from "../support/workload.ts";

const POLICY = {
  defaultAction: "deny",
  egress: [
    { action: "allow", target: "*.example.org" },
    { action: "allow", target: "203.0.113.10" },
    { action: "deny", target: "203.0.113.0/28" },
    { action: "allow", target: "203.0.113.0/25" },
    { action: "deny", target: "203.0.113.64/28" },
    { action: "allow", target: "2001:db8:100:10::10" },
    { action: "deny", target: "2001:db8:100:10::/64" },
    { action: "allow", target: "2001:db8:100:10::/60" },
    { action: "deny", target: "2001:db8:100:11::/64" },
  ],
};

/**
 * Per family: the single address, one that the first prefix denies, one that the second allows although the
 * last denies it.
 */
const RULED: Record<Family["name"], { single: string; denied: string; allowed: string }> = {
  IPv4: { single: "203.0.113.10", denied: "203.0.113.5", allowed: "203.0.113.65" },
  IPv6: { single: "2001:db8:100:10::10", denied: "2001:db8:100:10::5", allowed: "2001:db8:100:11::1" },
};

/** TTL of the upstream's answer, the address, seconds that the kernel keeps it. */
const TTLS = [
  [1, "198.51.100.81", 61],
  [100, "198.51.100.82", 160],
  [86_400, "198.51.100.83", 360],
] as const;

const lab = useLab({
  zone: {
    "mixed.example.org": {
      addresses: ["198.51.100.30", "203.0.113.5", "2001:db8:100::30", "2001:db8:100:10::5"],
    },
    "bad.example.org": { addresses: ["203.0.113.5", "2001:db8:100:10::5"] },
    "udp.example.org": { addresses: ["198.51.100.31", "2001:db8:100::31"] },
    "ping.example.org": { addresses: ["198.51.100.32", "2001:db8:100::32"] },
  },
  upstream: { extra: TTLS.map(([ttl, address]) => `host-record=ttl${ttl}.example.org,${address},${ttl}`) },
});
let sidecar: Sidecar;
beforeEach(() => replacePolicy(POLICY));
beforeAll(async () => {
  sidecar = await lab.startSidecar({ policy: POLICY });
});

/**
 * What curl says of a connect that is refused, or unreachable; a dropped SYN would be 28, when its ten
 * seconds are over.
 */
const REFUSED = { exitCode: 7, status: 0 };

async function replacePolicy(policy: unknown): Promise<void> {
  expect(await sidecar.api("PUT", "/policy", { body: policy })).toMatchObject({ status: 200 });
}

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));
  const { single, denied, allowed } = RULED[family.name];

  test("an allowed name opens its address, and the kernel's set says whose it is and for how long", async () => {
    expect(await lab.curl(family.flag, "http://one.example.org/")).toMatchObject({
      body: `hello from ${family.one}\n`,
    });
    const learned = await readSet(lab.sandbox, `dyn_allow_${family.set}`);
    const own = learned.find(({ address }) => address === family.one);
    expect(own?.comment).toBe("one.example.org");
    expect(own?.expiresSeconds).toBeGreaterThan(0);
    expect(own?.expiresSeconds).toBeLessThanOrEqual(360);
  });

  test("an address without a rule is refused at once, over TCP, UDP and ICMP, and nothing leaves", async () => {
    const frames = await lab.canary.during(async () => {
      expect(await lab.curl(urlOf(family.nameless))).toMatchObject(REFUSED);
      expect(await probe(lab, "tcp", family.nameless, "80")).toMatchObject({ result: "ECONNREFUSED" });
      const udp = await probe(lab, "udp", family.nameless, "7", "hello");
      expect(["EACCES", "EHOSTUNREACH", "EPERM"]).toContain(udp.result);
      expect((await probe(lab, "ping", family.nameless)).result).not.toBe("answered");
    });
    expect(frames.filter(({ destination }) => destination === family.nameless)).toEqual([]);
  });

  test("an address of a name that nobody has looked up is refused", async () => {
    expect(await lab.curl(urlOf(family.two))).toMatchObject(REFUSED);
  });

  test("the first address rule that matches decides", async () => {
    expect(await lab.curl(urlOf(single))).toMatchObject({ body: `hello from ${single}\n` });
    expect(await lab.curl(urlOf(denied))).toMatchObject(REFUSED);
    expect(await lab.curl(urlOf(allowed))).toMatchObject({ body: `hello from ${allowed}\n` });
  });

  test("an address that a rule denies is taken out of the answer and not opened by an allowed name", async () => {
    const good = family.name === "IPv4" ? "198.51.100.30" : "2001:db8:100::30";
    expect(await lab.dig("mixed.example.org", family.qtype)).toMatchObject({ addresses: [good] });
    expect(await lab.dig("bad.example.org", family.qtype)).toMatchObject({
      rcode: "NOERROR",
      addresses: [],
      ede: expect.stringMatching(/^17\b/),
    });
    expect(await lab.curl(urlOf(denied))).toMatchObject(REFUSED);
    const learned = await readSet(lab.sandbox, `dyn_allow_${family.set}`);
    expect(learned.map(({ address }) => address)).not.toContain(denied);
  });

  test("UDP and ICMP pass to an allowed name's address", async () => {
    const udp = await lab.dig("+short", "udp.example.org", family.qtype);
    expect(await probe(lab, "udp", udp.text.trim(), "7", "hello")).toMatchObject({ result: "hello" });
    const ping = await lab.dig("+short", "ping.example.org", family.qtype);
    expect(await probe(lab, "ping", ping.text.trim())).toMatchObject({ result: "answered" });
  });

  test("a resolver over TLS is refused even at an allowed address", async () => {
    expect(await probe(lab, "tcp", single, "853")).toMatchObject({ result: "ECONNREFUSED" });
  });

  test("neighbours are found again after their cache is emptied", async () => {
    const flush = () => execIn(lab.sandbox, ["ip", "neigh", "flush", "dev", "eth0"]);
    await flush();
    expect(await lab.curl(urlOf(single))).toMatchObject({ status: 200 });
    await flush();
    expect(await lab.dig("one.example.org", family.qtype)).toMatchObject({ addresses: [family.one] });
    await execIn(lab.internet, ["ip", "neigh", "flush", "dev", "eth0"]);
    expect(await probeFromOutside(lab, "ping", family.sandbox)).toMatchObject({ result: "answered" });
  });

  test("under the default allow all passes but what is denied", async () => {
    const rules = [
      { action: "deny", target: denied },
      { action: "deny", target: "two.example.org" },
    ];
    await replacePolicy({ defaultAction: "allow", egress: rules });
    expect(await lab.curl(urlOf(family.nameless))).toMatchObject({ body: `hello from ${family.nameless}\n` });
    expect(await probe(lab, "udp", family.nameless, "7", "hello")).toMatchObject({ result: "hello" });
    expect(await lab.curl(urlOf(denied))).toMatchObject(REFUSED);
    // Names below it are allowed, so it is there, with nothing of its own (RFC 8020 section 2).
    expect(await lab.dig("two.example.org", family.qtype)).toMatchObject({ rcode: "NOERROR", addresses: [] });
    expect(await lab.dig("three.example.org", family.qtype)).toMatchObject({ rcode: "NOERROR" });
  });

  test("callers from outside are answered under deny-all over TCP, and not over UDP", async () => {
    await replacePolicy("");
    const argv = ["python3", PROBE_SCRIPT, "serve", "inside", `${family.sandbox},9000`] as const;
    await using _server = await startJsonServer(lab.sandbox, workloadArgv(argv));
    expect(await probeFromOutside(lab, "tcp", family.sandbox, "9000", "get")).toMatchObject({
      result: "inside get",
    });
    expect(await probeFromOutside(lab, "udp", family.sandbox, "9000", "get")).toMatchObject({
      result: "timeout",
    });
    expect(await lab.curl(urlOf(family.one))).toMatchObject(REFUSED);
  });
});

test.each(TTLS)("an answer with a TTL of %d s opens %s for about %d s", async (ttl, address, seconds) => {
  await lab.dig(`ttl${ttl}.example.org`, "A");
  const learned = (await readSet(lab.sandbox, "dyn_allow_v4")).find((element) => element.address === address);
  expect(learned?.expiresSeconds).toBeLessThanOrEqual(seconds);
  expect(learned?.expiresSeconds).toBeGreaterThan(seconds - 15);
});
