/**
 * Resolvers at link-local addresses, as routers advertise them (RFC 8106): in resolv.conf and in the setting,
 * with their interface.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireCommand } from "../../src/netns/command.ts";
import { argvIn, configure, execIn, writeResolvConf } from "../../src/netns/namespace.ts";
import { createVethPair } from "../../src/netns/veth.ts";
import { buildResolverClients } from "../support/c-libraries.ts";
import { createLab, type Lab, SANDBOX_V6 } from "../support/lab.ts";
import { type OddUpstreams, startOddUpstreams } from "../support/odd-upstreams.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { skipBecause } from "../support/skip.ts";
import { until } from "../support/until.ts";
import { RESOLVE_SECONDS } from "../support/limits.ts";

const POLICY = { egress: [{ action: "allow", target: "*.example.org" }] };
const ADDRESS = "fe80::53%eth0";

let lab: Lab;
let odd: OddUpstreams | undefined;
beforeAll(async () => {
  lab = await createLab();
  if (!lab.ipv6) return;
  await configure(lab.internet, ["addr add fe80::53/64 dev eth0 nodad"]);
  await writeResolvConf(
    lab.sandbox,
    `nameserver ${ADDRESS}\noptions timeout:${RESOLVE_SECONDS} attempts:1\n`,
  );
  odd = await startOddUpstreams(lab.internet, [
    { letter: "a", address: ADDRESS },
    { letter: "b", address: ADDRESS, port: 5353 },
  ]);
});
afterAll(async () => {
  await odd?.[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

async function start(
  upstream: string | undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<Sidecar> {
  await requireCommand(argvIn(lab.sandbox, ["nft", "flush", "ruleset"]));
  return lab.startSidecar({
    policy: POLICY,
    env: { OPENSANDBOX_EGRESS_POLICY_FILE: undefined, OPENSANDBOX_EGRESS_DNS_UPSTREAM: upstream, ...env },
  });
}

test("in resolv.conf it is an upstream, as it is a resolver to glibc, over UDP and TCP", async (context) => {
  if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
  const byGlibc = async (name: string): Promise<string> =>
    (await execIn(lab.sandbox, ["getent", "ahostsv4", name])).stdout.split(/\s/)[0] ?? "";
  // Once the sandbox's own link-local address is there: duplicates are looked for first.
  await until("glibc asks it", async () => (await byGlibc("aok.straight.example.org")) === "198.51.100.1");
  await using _sidecar = await start(undefined);
  expect(await byGlibc("aok.through.example.org")).toBe("198.51.100.1");
  expect(await lab.dig("@192.0.2.1", "atc.through.example.org", "A")).toMatchObject({
    addresses: ["198.51.100.1"],
  });
});

test.each(["dns+nft", "dns"])(
  "in mode %s glibc, musl and Python are answered at it over UDP, dig over TCP",
  async (mode) => {
    if (!lab.ipv6) return;
    await writeResolvConf(
      lab.sandbox,
      `nameserver ${ADDRESS}\noptions timeout:${RESOLVE_SECONDS} attempts:1\n`,
    );
    await using _sidecar = await start(ADDRESS, { OPENSANDBOX_EGRESS_MODE: mode });
    await using clients = await buildResolverClients();
    const label = mode === "dns" ? "plain" : "nft";
    for (const client of ["glibc", "musl"] as const) {
      const { addresses } = await clients[client](lab.asWorkload, `aok.${client}.${label}.example.org`);
      expect(addresses).toEqual(["198.51.100.1"]);
    }
    const python = `import socket; print(socket.gethostbyname("aok.python.${label}.example.org"))`;
    expect((await lab.asWorkload(["python3", "-c", python])).stdout.trim()).toBe("198.51.100.1");
    expect(await lab.dig(`@${ADDRESS}`, "+tcp", `aok.tcp.${label}.example.org`, "A")).toMatchObject({
      addresses: ["198.51.100.1"],
    });
    expect(await lab.dig(`@${ADDRESS}`, `aok.${label}.example.com`, "A")).toMatchObject({
      rcode: "NXDOMAIN",
    });
    expect(odd?.queries(".example.com")).toEqual([]);
  },
);

test.each(["dns+nft", "dns"])("in mode %s neighbours are not answered where it is", async (mode) => {
  if (!lab.ipv6) return;
  await using _sidecar = await start(ADDRESS, {
    OPENSANDBOX_EGRESS_MODE: mode,
    OPENSANDBOX_EGRESS_INBOUND_UDP: "true",
  });
  const { stdout } = await execIn(lab.sandbox, [
    "ip",
    "-6",
    "-o",
    "addr",
    "show",
    "dev",
    "eth0",
    "scope",
    "link",
  ]);
  const own = /inet6 (fe80::[0-9a-f:]+)\//.exec(stdout)?.[1];
  if (own === undefined) throw new Error(`no link-local address in ${stdout}`);
  const inside = await lab.dig(`@${SANDBOX_V6}`, "-p", "15354", "aok.inside.example.org", "A");
  expect(inside).toMatchObject({ addresses: ["198.51.100.1"] });
  for (const address of [`${own}%eth0`, SANDBOX_V6]) {
    const at = [`@${address}`, "-p", "15354", "+time=1", "+tries=1", "aok.example.org", "A"];
    for (const transport of ["+notcp", "+tcp"]) {
      expect((await execIn(lab.internet, ["dig", ...at, transport])).stdout).not.toContain("198.51.100.1");
    }
  }
});

test.each([
  [ADDRESS, "aok", "198.51.100.1", "53"],
  [`[${ADDRESS}]:5353`, "bok", "198.51.100.2", "5353"],
])(
  "OPENSANDBOX_EGRESS_DNS_UPSTREAM=%s is asked, and by nobody else",
  async (upstream, label, address, port) => {
    // Without IPv6 the test of resolv.conf says that it was skipped.
    if (!lab.ipv6) return;
    await using _sidecar = await start(upstream);
    expect(await lab.dig("@192.0.2.1", `${label}.one.example.org`, "A")).toMatchObject({
      addresses: [address],
    });
    const denied = `${label}.denied.example.com`;
    const { rcode } = await lab.dig(`@${ADDRESS}`, "-p", port, denied, "A", "+time=1");
    expect(rcode).not.toBe("NOERROR");
    expect(odd?.queries(".example.com")).toEqual([]);
  },
);

test("a restart believes it in the kernel, with its interface, not a resolv.conf that was written meanwhile", async (context) => {
  if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
  await writeResolvConf(lab.sandbox, `nameserver ${ADDRESS}\n`);
  const first = await start(undefined);
  await first.kill("SIGKILL");
  await writeResolvConf(lab.sandbox, "nameserver 203.0.113.53\n");
  await using _second = await lab.startSidecar({
    policy: POLICY,
    env: { OPENSANDBOX_EGRESS_POLICY_FILE: undefined, OPENSANDBOX_EGRESS_DNS_UPSTREAM: undefined },
  });
  expect(await lab.dig("@192.0.2.1", "aok.two.example.org", "A")).toMatchObject({
    addresses: ["198.51.100.1"],
  });
});

test("an upstream on an interface that is not there is waited for", async (context) => {
  if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
  await using sidecar = await start("fe80::54%late0");
  expect(await lab.dig("@192.0.2.1", "+time=7", "cok.early.example.org", "A")).toMatchObject({
    rcode: "SERVFAIL",
  });
  await createVethPair(
    { namespace: lab.sandbox, device: "late0", addresses: ["fe80::2/64"] },
    { namespace: lab.internet, device: "late0", addresses: ["fe80::54/64"] },
  );
  await using _late = await startOddUpstreams(lab.internet, [{ letter: "c", address: "fe80::54%late0" }]);
  let asked = 0;
  await until(
    "lookups are answered",
    async () => {
      const answer = await lab.dig("@192.0.2.1", "+time=7", `cok.n${asked++}.example.org`, "A");
      return answer.addresses[0] === "198.51.100.3";
    },
    30_000,
  );
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
});
