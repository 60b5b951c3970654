/** One ruleset after another: what a transaction cuts, what it leaves alone, and what it leaves behind. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { configure, execIn, writeSysctl } from "../../src/netns/namespace.ts";
import { readRulesetInForce } from "../../src/netfilter/io/inspect.ts";
import { MAX_LEARNED_ADDRESSES } from "../../src/netfilter/chains/named-sets.ts";
import type { JsonServer } from "../support/json-server.ts";
import { promised } from "../support/limits.ts";
import { until } from "../support/until.ts";
import { createRulesetLab, type RulesetLab } from "../netfilter/ruleset-lab.ts";
import { compiledPolicy } from "../support/policy.ts";

const BOTH = compiledPolicy(
  "deny",
  "allow 198.51.100.0/24",
  "allow 203.0.113.0/24",
  "allow 2001:db8:100::/56",
);
const ONE = compiledPolicy("deny", "allow 198.51.100.0/24", "allow 2001:db8:100::/64");
const NONE = compiledPolicy("deny");

let on: RulesetLab;
beforeAll(async () => {
  on = await createRulesetLab();
});
afterAll(async () => {
  await on[Symbol.asyncDispose]();
});
afterEach(async () => {
  await on.applier.teardown();
});

/** nft in the sandbox, as its operator would. */
async function nft(...args: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await execIn(on.lab.sandbox, ["nft", ...args]);
  if (exitCode !== 0) throw new Error(stderr);
  return stdout;
}

/** Name and place of every chain, in no order that matters. */
async function listChains(): Promise<readonly string[]> {
  return (await nft("list", "ruleset")).match(/chain \S+ \{(\s+type .*)?/g)?.sort() ?? [];
}

describe("flows under way", () => {
  test("a download that a change denies is reset at once, its neighbour never notices", async () => {
    await on.load({ policy: BOTH, generation: 1 });
    await using denied = await on.startProbe("download", "203.0.113.1");
    await using denied6 = await on.startProbe("download", "2001:db8:100:1::1");
    await using kept = await on.startProbe("download", "198.51.100.1");
    const begin = performance.now();
    await on.load({ policy: ONE, generation: 2 });
    for (const flow of [denied, denied6]) {
      const end = await until(
        "the download ends",
        () => flow.lines.find(({ event }) => event === "ended"),
        promised(1000),
      );
      expect(end["how"]).toBe("ECONNRESET");
    }
    expect(performance.now() - begin).toBeLessThan(promised(2000));
    await sleep(300);
    expect(kept.lines.map(({ event }) => event)).toEqual(["ready"]);
  });

  test("the same ruleset again, many times, disturbs nothing", async () => {
    await on.load({ policy: ONE, generation: 1 });
    await using kept = await on.startProbe("download", "198.51.100.1");
    await using stream = await on.startProbe("listen", "198.51.100.2");
    for (let generation = 1; generation < 6; generation += 1) await on.load({ policy: ONE, generation });
    const before = stream.lines.length;
    await until("datagrams go on arriving", () => stream.lines.length > before + 10);
    expect(kept.lines.map(({ event }) => event)).toEqual(["ready"]);
  });

  test("a stream of datagrams that is only received stops, its neighbour goes on", async () => {
    await on.load({ policy: BOTH, generation: 1 });
    await using denied = await on.startProbe("listen", "203.0.113.1");
    await using kept = await on.startProbe("listen", "198.51.100.2");
    await on.load({ policy: ONE, generation: 2 });
    // What arrived before the change may be told after it; once one more of its neighbour's is told, all that
    // is.
    const mark = kept.lines.length;
    await until("the neighbour goes on", () => kept.lines.length > mark + 5);
    const [stopped, going] = [denied.lines.length, kept.lines.length];
    await until("the neighbour goes on", () => kept.lines.length > going + 20);
    expect(denied.lines.length - stopped).toBe(0);
  });

  test("a flow to a learned address lives on when the address is restored, and dies when it is taken out before", async () => {
    await on.load({ policy: NONE, generation: 1 });
    await nft(
      "add element inet opensandbox dyn_allow_v4 { 203.0.113.1 timeout 60s, 203.0.113.2 timeout 60s }",
    );
    await using forgotten = await on.startProbe("download", "203.0.113.1");
    await using restored = await on.startProbe("download", "203.0.113.2");
    const restore = {
      v4: [{ address: "203.0.113.2", timeoutSeconds: 300, comment: "two.example.org" }],
      v6: [],
    };
    await nft("delete element inet opensandbox dyn_allow_v4 { 203.0.113.1 }");
    await on.load({ policy: NONE, generation: 2, restore });
    await until(
      "the download ends",
      () => forgotten.lines.find(({ how }) => how === "ECONNRESET"),
      promised(1000),
    );
    await sleep(300);
    expect(restored.lines.map(({ event }) => event)).toEqual(["ready"]);
  });
});

describe("learned addresses", () => {
  test("outlive every load, with their time", async () => {
    await on.load({ policy: NONE });
    await nft(
      'add element inet opensandbox dyn_allow_v4 { 203.0.113.9 timeout 100s comment "one.example.org" }',
    );
    await on.load({ policy: ONE, generation: 8 });
    await on.load({ mode: "dns", generation: 9 });
    await on.load({ policy: ONE, generation: 10 });
    const listed = await nft("list", "set", "inet", "opensandbox", "dyn_allow_v4");
    expect(listed).toMatch(/203\.0\.113\.9 timeout 1m40s expires 1m\d+s\d*m?s? comment "one\.example\.org"/);
  });

  test("come back and start anew, and are revoked or not, also where they have expired or were never there", async () => {
    await on.load({ policy: NONE });
    await nft("add element inet opensandbox dyn_allow_v4 { 203.0.113.1 timeout 1s, 203.0.113.2 timeout 9s }");
    await sleep(1100);
    await on.load({
      restore: { v4: [{ address: "203.0.113.2", timeoutSeconds: 300, comment: 'bad"\nname' }], v6: [] },
      revoked: { v4: ["203.0.113.1", "203.0.113.2", "203.0.113.4"], v6: ["2001:db8:100:1::3"] },
    });
    const listed = await nft("list", "set", "inet", "opensandbox", "dyn_allow_v4");
    expect(listed).toMatch(
      /elements = \{ 203\.0\.113\.2 timeout 5m expires (5m|4m\d+s\S*) comment "bad\?\?name" \}/,
    );
    const revoked = await nft("list", "set", "inet", "opensandbox", "revoked_v4");
    expect(revoked.match(/203\.0\.113\.\d+/g)?.sort()).toEqual(["203.0.113.1", "203.0.113.4"]);
    expect(await nft("list", "set", "inet", "opensandbox", "revoked_v6")).toContain("2001:db8:100:1::3");
    await on.load({ restore: { v4: [{ address: "203.0.113.4", timeoutSeconds: 60 }], v6: [] } });
    expect(await nft("list", "set", "inet", "opensandbox", "revoked_v4")).not.toContain("203.0.113.4");
  });

  test("all of them can be restored at once", async () => {
    await on.load({ policy: NONE });
    const restore = Array.from({ length: MAX_LEARNED_ADDRESSES }, (_, index) => ({
      address: `198.${18 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`,
      timeoutSeconds: 300,
      comment: "one.example.org",
    }));
    await on.load({ restore: { v4: restore, v6: [] } });
    await on.load({ restore: { v4: restore, v6: [] } });
    const listed = await nft("list", "set", "inet", "opensandbox", "dyn_allow_v4");
    expect(listed.match(/comment "one\.example\.org"/g)).toHaveLength(MAX_LEARNED_ADDRESSES);
  });
});

test("a host that a change has denied does not come back as a caller, until it is allowed again", async () => {
  await using _server = await on.startServer(on.lab.sandbox, "server", "192.0.2.2,9200");
  await configure(on.lab.internet, ["addr add 203.0.113.7/32 dev lo"]);
  const call = async () => {
    const { stdout } = await execIn(on.lab.internet, [
      "python3",
      "-c",
      'import socket\ntry:\n  socket.create_connection(("192.0.2.2", 9200), 1, ("203.0.113.7", 0)); print("in")\nexcept OSError as error: print("out")',
    ]);
    return stdout.trim();
  };
  await on.load({ policy: BOTH, generation: 1 });
  expect(await call()).toBe("in");
  await on.load({ policy: NONE, generation: 2, revoked: { v4: ["203.0.113.7", "192.0.2.1"], v6: [] } });
  expect(await call()).toBe("out");
  expect(await on.probeFromOutside("tcp", "192.0.2.2", "9200", "x")).toMatchObject({ result: "server x" });
  await on.load({ policy: BOTH, generation: 3 });
  expect(await call()).toBe("in");
});

async function rawOn(device: string, mac: string, source: string): Promise<void> {
  await on.probe("frame", device, mac, source, "999", "198.51.100.1", "999", "raw");
}

describe("interfaces", () => {
  test("each is guarded; one that comes or goes disturbs no other", async () => {
    await configure(on.lab.sandbox, [
      "link add eth1 type veth peer name far1",
      "link set eth1 up",
      "link set far1 up",
    ]);
    const sendPast = async (): Promise<JsonServer> => {
      const tap = await on.startProbe("tap", "far1", "0", "raw");
      await rawOn("eth1", "02:00:00:00:00:01", "192.0.2.2");
      return tap;
    };
    await using open = await sendPast();
    await until("it is seen", () => open.lines.length > 1);
    await on.load({ policy: ONE });
    expect((await readRulesetInForce(on.nft))?.guardedInterfaces.toSorted()).toEqual([
      "eth0",
      "eth1",
      "far1",
    ]);
    await using guarded = await sendPast();
    await sleep(100);
    expect(guarded.lines.length).toBe(1);
    await using kept = await on.startProbe("download", "198.51.100.1");
    await configure(on.lab.sandbox, ["link del eth1"]);
    await on.load({ policy: ONE });
    expect((await readRulesetInForce(on.nft))?.guardedInterfaces).toEqual(["eth0"]);
    await on.load({
      policy: ONE,
      network: { interfaces: ["eth0", "gone0"], onLinkV4: [], onLinkV6: [], ipv6: true },
    });
    expect(kept.lines.map(({ event }) => event)).toEqual(["ready"]);
    expect(await on.probe("tcp", "198.51.100.1", "80")).toMatchObject({ result: "connected" });
  });

  test("one that gets another name is guarded again by the next load", async () => {
    await configure(on.lab.sandbox, ["link add eth1 type veth peer name far1", "link set far1 up"]);
    await on.load({ policy: ONE });
    await configure(on.lab.sandbox, ["link set eth1 name eth7", "link set eth7 up"]);
    await on.load({ policy: ONE });
    expect((await readRulesetInForce(on.nft))?.guardedInterfaces.toSorted()).toEqual([
      "eth0",
      "eth7",
      "far1",
    ]);
    await using tap = await on.startProbe("tap", "far1", "0", "raw");
    await rawOn("eth7", "02:00:00:00:00:01", "192.0.2.2");
    await sleep(100);
    expect(tap.lines.length).toBe(1);
    await configure(on.lab.sandbox, ["link del eth7"]);
  });

  test("without any there is no guard, and still nothing leaves unmarked", async () => {
    await on.load({ policy: ONE });
    await on.load({ policy: ONE, network: { interfaces: [], onLinkV4: [], onLinkV6: [], ipv6: true } });
    expect(await nft("list", "tables")).toBe("table inet opensandbox\n");
    expect(await on.probe("tcp", "198.51.100.1", "80")).toMatchObject({ result: "connected" });
    expect(await on.probe("tcp", "203.0.113.1", "80")).toMatchObject({ result: "ECONNREFUSED" });
  });

  test("a name that nft cannot be told is reported, not passed over", async () => {
    const network = { interfaces: ["eth0", 'a"b', "veth*"], onLinkV4: [], onLinkV6: [], ipv6: true };
    const { unguarded } = await on.load({ policy: ONE, network });
    expect(unguarded).toEqual([
      { name: 'a"b', reason: "nft cannot be told its name" },
      { name: "veth*", reason: "nft cannot be told its name" },
    ]);
  });

  test("IPv6 that is switched off is no error", async () => {
    await writeSysctl(on.lab.sandbox, "net.ipv6.conf.all.disable_ipv6", "1");
    await on.load({ policy: ONE });
    expect(await on.probe("udp", "203.0.113.53", "53", "q")).toMatchObject({ result: "resolver q" });
    await writeSysctl(on.lab.sandbox, "net.ipv6.conf.all.disable_ipv6", "0");
    await configure(on.lab.sandbox, [
      "addr add 2001:db8::2/64 dev eth0 nodad",
      "route add default via 2001:db8::1",
    ]);
  });
});

describe("what is there already", () => {
  const OTHER_LAYOUT = `table inet opensandbox {
    set dyn_allow_v4 { type ipv4_addr; flags timeout; timeout 6m; elements = { 203.0.113.9 timeout 1h }; }
    chain egress { type filter hook output priority 10; policy drop; jump old; }
    chain old { accept; }
    chain antispoof { accept; }
    chain refuse { type filter hook input priority 5; policy accept; }
  }
  table netdev opensandbox_guard {
    chain egress { type filter hook egress device "eth0" priority 5; policy accept; }
    chain egress_eth0 { type filter hook egress device "eth0" priority 7; policy accept; }
  }
  `.replaceAll("; }\n", "\n }\n");

  test("leftovers of another layout are replaced in one transaction, learned addresses kept", async () => {
    await execIn(on.lab.sandbox, ["nft", "-f", "-"], { input: OTHER_LAYOUT });
    expect(await nft("list", "chains")).toContain("priority filter + 10");
    await on.load({ policy: ONE });
    const replaced = await listChains();
    expect(await nft("list", "set", "inet", "opensandbox", "dyn_allow_v4")).toContain(
      "203.0.113.9 timeout 1h",
    );
    await on.applier.teardown();
    await on.load({ policy: ONE });
    expect(replaced).toEqual(await listChains());
  });

  test("a change of mode takes the other mode's chains away", async () => {
    await on.load({ policy: ONE, mode: "dns" });
    const dns = await listChains();
    await on.load({ policy: ONE, mode: "dns+nft", generation: 42 });
    const full = await listChains();
    expect(await readRulesetInForce(on.nft)).toEqual({
      mode: "dns+nft",
      generation: 42,
      guardedInterfaces: ["eth0"],
    });
    await on.load({ policy: ONE, mode: "dns" });
    expect(await listChains()).toEqual(dns);
    expect(await nft("list", "tables")).toBe("table inet opensandbox\n");
    expect(await readRulesetInForce(on.nft)).toEqual({
      mode: "dns",
      generation: undefined,
      guardedInterfaces: [],
    });
    await on.load({ policy: ONE, mode: "dns+nft" });
    expect(await listChains()).toEqual(full);
  });

  test("teardown removes what is ours, leaves what is not, and is fine where nothing is", async () => {
    await nft(
      "add table inet somebody; add chain inet somebody egress { type filter hook output priority 0; }",
    );
    const before = await nft("list", "ruleset");
    await on.load({ policy: ONE });
    await on.applier.teardown();
    expect(await nft("list", "ruleset")).toBe(before);
    await on.applier.teardown();
    expect(await nft("list", "ruleset")).toBe(before);
    expect(await readRulesetInForce(on.nft)).toBeUndefined();
    await nft("delete", "table", "inet", "somebody");
  });
});
