/**
 * Errors come for the sockets that ask upstreams. Once they have stopped, the very next lookup is answered.
 */
import { afterEach, beforeAll, expect, test } from "vitest";
import { requireCommand } from "../../src/netns/command.ts";
import { argvIn, configure, execIn, writeSysctl } from "../../src/netns/namespace.ts";
import { startAttack } from "../escape/attack.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const POLICY = { egress: [{ action: "allow", target: "*.wild.example.org" }] };
const ZONE = { "*.wild.example.org": { addresses: ["198.51.100.20", "2001:db8:100::20"] } };
/** An upstream of the test's own, since it is ended and started again. */
const OWN: Readonly<Record<Family["name"], string>> = { IPv4: "203.0.113.54", IPv6: "2001:db8:1ff::54" };
/** More lookups than there are sockets to an upstream, so that each of these meets errors. */
const MANY = 24;

const [IPV4] = FAMILIES;
const lab = useLab();
beforeAll(async () => {
  if (lab.ipv6) await configure(lab.internet, [`addr add ${OWN.IPv6}/128 dev lo`]);
});
let upstream: Upstream | undefined;
let sidecar: Sidecar | undefined;
afterEach(async () => {
  await sidecar?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
});

async function startUpstreamOf({ name }: Family): Promise<void> {
  upstream = await startUpstream(lab.internet, { listen: [OWN[name]], zone: ZONE });
}

async function begin(family: Family): Promise<void> {
  // Each error is sent, however many there are.
  await writeSysctl(lab.internet, "net.ipv4.icmp_ratelimit", "0");
  if (lab.ipv6) await writeSysctl(lab.internet, "net.ipv6.icmp.ratelimit", "0");
  await startUpstreamOf(family);
  const address = OWN[family.name];
  sidecar = await lab.startSidecar({
    policy: POLICY,
    env: {
      OPENSANDBOX_EGRESS_POLICY_FILE: undefined,
      OPENSANDBOX_EGRESS_DNS_UPSTREAM: address.includes(":") ? `[${address}]:53` : address,
      OPENSANDBOX_EGRESS_DNS_UPSTREAM_TIMEOUT: "1",
    },
  });
  await until("lookups are answered", async () => (await ask()) === "NOERROR");
}

let asked = 0;
const ask = async (): Promise<string | undefined> => {
  asked += 1;
  const { rcode, text } = await lab.dig(`n${asked}.wild.example.org`, "A");
  // What dig says instead of an answer tells why.
  return rcode ?? text;
};

/** One after the other, each within the client's two seconds. */
async function askSome(): Promise<readonly (string | undefined)[]> {
  const rcodes: (string | undefined)[] = [];
  for (let i = 0; i < MANY / 2; i++) rcodes.push(await ask());
  return rcodes;
}
const ANSWERED = Array.from({ length: MANY / 2 }, () => "NOERROR");

async function askInVain(): Promise<void> {
  expect(await Promise.all(Array.from({ length: MANY }, ask))).toEqual(
    Array.from({ length: MANY }, () => "SERVFAIL"),
  );
}

test.for(FAMILIES)("the upstream's server is restarted, $name", async (family, context) => {
  skipWithoutFamily(context, lab, family);
  await begin(family);
  await upstream?.[Symbol.asyncDispose]();
  await askInVain();
  await askInVain();
  await startUpstreamOf(family);
  expect(await askSome()).toEqual(ANSWERED);
});

test.for(FAMILIES)(
  "the upstream's firewall prohibits lookups for a while, $name",
  async (family, context) => {
    skipWithoutFamily(context, lab, family);
    await begin(family);
    const protocol = family.name === "IPv4" ? "icmp" : "icmpv6";
    await nft(
      `table inet firewall { chain input { type filter hook input priority 0; udp dport 53 reject with ${protocol} admin-prohibited; }; }`,
    );
    try {
      await askInVain();
      await askInVain();
    } finally {
      await nft("delete table inet firewall");
    }
    expect(await askSome()).toEqual(ANSWERED);
  },
);

test.for(FAMILIES)("a workload forges ICMP errors over lo, $name", async (family, context) => {
  skipWithoutFamily(context, lab, family);
  await begin(family);
  await using attack = await startAttack(lab, "forge_errors", "eth0");
  const forged = (): number => attack.lines.filter(({ event }) => event === "forged").length;
  expect(await askSome()).toEqual(ANSWERED);
  await until("errors are forged", () => forged() >= MANY / 2);
  expect(await askSome()).toEqual(ANSWERED);
  await attack[Symbol.asyncDispose]();
  expect(await askSome()).toEqual(ANSWERED);
});

test.for(FAMILIES)("somebody with the right to it ends the sockets, $name", async (family, context) => {
  skipWithoutFamily(context, lab, family);
  await begin(family);
  const flag = family.name === "IPv4" ? "-4" : "-6";
  const ended = await execIn(lab.sandbox, ["ss", flag, "-HunK", "dport", "=", ":53"]);
  expect(ended.stdout.trim().split("\n")).toHaveLength(4);
  await until("lookups are answered", async () => (await ask()) === "NOERROR");
  expect(await askSome()).toEqual(ANSWERED);
});

test("somebody with the right to it ends the resolver's own sockets: told in the log, and opened again", async () => {
  if (IPV4 === undefined) throw new Error("no family");
  await begin(IPV4);
  const all = await execIn(lab.sandbox, ["ss", "-HlnutpK", "src", "127.0.0.1"]);
  expect(all.stdout).toContain("udp");
  await until("lookups are answered", async () => (await ask()) === "NOERROR");
  await until("health is good", async () => (await sidecar?.api("GET", "/healthz"))?.status === 200);
  await until("both are told", () => toldWatches().length === 2);
  expect(toldWatches()).toMatchObject([
    { watch: "clients' queries", reason: "its listening socket was ended" },
    { watch: "clients' queries" },
  ]);
  expect((await lab.dig("+tcp", "a.wild.example.org", "A")).rcode).toBe("NOERROR");
});

function toldWatches(): readonly unknown[] {
  return sidecar?.logs().filter((line) => line["opensandbox.event"] === "egress.watch") ?? [];
}

async function nft(script: string): Promise<void> {
  await requireCommand(argvIn(lab.internet, ["nft", "-f", "-"]), { input: script });
}
