/**
 * Settings that change what is enforced, each with the running sidecar: mode, exempt resolvers, DoH, inbound
 * UDP, private answers.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { FAMILIES, skipWithoutFamily, urlOf } from "../support/families.ts";
import { startJsonServer } from "../support/json-server.ts";
import { probe, probeFromOutside, PROBE_SCRIPT } from "../support/probe.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";
import { workloadArgv } from "../support/workload.ts";

const ONE = { egress: [{ action: "allow", target: "one.example.org" }] };

const lab = useLab({
  zone: {
    "private.example.org": { addresses: ["10.1.2.3", "fd00::3", "198.51.100.70", "2001:db8:100::70"] },
    "metadata.example.org": { addresses: ["169.254.169.254", "127.0.0.1", "fe80::1"] },
    "upstream.example.org": { addresses: ["192.0.2.1", "2001:db8::1"] },
  },
});

async function startWith(env: Record<string, string>, policy: unknown = ONE): Promise<Sidecar> {
  return lab.startSidecar({ policy, env: { OPENSANDBOX_EGRESS_POLICY_FILE: undefined, ...env } });
}

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  test("in mode dns names are judged and connections are not", async () => {
    await using sidecar = await startWith({ OPENSANDBOX_EGRESS_MODE: "dns" });
    expect((await sidecar.api("GET", "/policy")).json()).toMatchObject({ enforcementMode: "dns" });
    expect(await lab.dig(`@${family.otherResolver}`, "two.example.org", family.qtype)).toMatchObject({
      rcode: "NXDOMAIN",
    });
    expect(await lab.dig(`@${family.otherResolver}`, "+tcp", "one.example.org", family.qtype)).toMatchObject({
      addresses: [family.one],
    });
    expect(await lab.curl(urlOf(family.nameless))).toMatchObject({ status: 200 });
    await sidecar.kill();
    expect(await lab.dig(`@${family.otherResolver}`, "one.example.org", family.qtype)).toMatchObject({
      rcode: undefined,
    });
  });

  test("a start in the other mode takes over, and connections are judged again", async () => {
    await using _sidecar = await startWith({ OPENSANDBOX_EGRESS_MODE: "NFT+dns" });
    expect(await lab.curl(urlOf(family.nameless))).toMatchObject({ exitCode: 7 });
    expect(await lab.curl(family.flag, "http://one.example.org/")).toMatchObject({ status: 200 });
  });

  test("an exempt resolver is asked directly, on port 53 only", async () => {
    await using _sidecar = await startWith({ OPENSANDBOX_EGRESS_NAMESERVER_EXEMPT: family.otherResolver });
    for (const transport of ["+notcp", "+tcp"]) {
      expect(
        await lab.dig(`@${family.otherResolver}`, transport, "two.example.org", family.qtype),
      ).toMatchObject({
        addresses: [family.two],
      });
    }
    expect(await lab.dig(`@${family.upstream}`, "two.example.org", family.qtype)).toMatchObject({
      rcode: "NXDOMAIN",
    });
    expect(await lab.curl(urlOf(family.otherResolver))).toMatchObject({ exitCode: 7 });
  });

  test("port 443 of listed DoH resolvers is refused, TCP and UDP, and other ports and hosts are not", async () => {
    await using _sidecar = await startWith(
      { OPENSANDBOX_EGRESS_BLOCK_DOH_443: "true", OPENSANDBOX_EGRESS_DOH_BLOCKLIST: family.two },
      { defaultAction: "allow" },
    );
    const frames = await lab.canary.during(async () => {
      await probe(lab, "tcp", family.two, "443");
      await probe(lab, "udp", family.two, "443", "hello");
    });
    expect(frames.filter(({ destinationPort }) => destinationPort === 443)).toEqual([]);
    expect(await lab.curl(urlOf(family.two))).toMatchObject({ status: 200 });
    const others = await lab.canary.during(() => probe(lab, "tcp", family.one, "443"));
    expect(others).toContainEqual(expect.objectContaining({ destination: family.one, destinationPort: 443 }));
  });

  test("UDP from outside opens a flow where the setting says so", async () => {
    await using _sidecar = await startWith({ OPENSANDBOX_EGRESS_INBOUND_UDP: "true" }, {});
    const argv = ["python3", PROBE_SCRIPT, "serve", "inside", `${family.sandbox},9001`] as const;
    await using _server = await startJsonServer(lab.sandbox, workloadArgv(argv));
    expect(await probeFromOutside(lab, "udp", family.sandbox, "9001", "get")).toMatchObject({
      result: "inside get",
    });
    expect(await lab.curl(urlOf(family.one))).toMatchObject({ exitCode: 7 });
  });
});

async function askBoth(name: string): Promise<readonly string[]> {
  const [v4, v6] = [await lab.dig(name, "A"), await lab.dig(name, "AAAA")];
  return [...v4.addresses, ...v6.addresses].toSorted();
}

describe("answers", () => {
  const ALL = { egress: [{ action: "allow", target: "*.example.org" }] };

  test("private addresses are given out, unless the setting denies them", async () => {
    const open = ["198.51.100.70", "2001:db8:100::70"];
    {
      await using _sidecar = await startWith({}, ALL);
      expect(await askBoth("private.example.org")).toEqual(["10.1.2.3", "fd00::3", ...open].toSorted());
    }
    await using _sidecar = await startWith({ OPENSANDBOX_EGRESS_PRIVATE_ANSWERS: "deny" }, ALL);
    expect(await askBoth("private.example.org")).toEqual(open);
  });

  test("metadata, loopback and the upstream's own addresses are never given out", async () => {
    const upstreams = lab.ipv6 ? "192.0.2.1,[2001:db8::1]:53" : "192.0.2.1";
    await using _sidecar = await startWith({ OPENSANDBOX_EGRESS_DNS_UPSTREAM: upstreams }, ALL);
    for (const name of ["metadata.example.org", "upstream.example.org"]) {
      for (const qtype of ["A", "AAAA"]) {
        expect(await lab.dig(name, qtype)).toMatchObject({ rcode: "NOERROR", addresses: [] });
      }
    }
    expect(await lab.curl("http://192.0.2.1:8080/")).toMatchObject({ exitCode: 7 });
  });
});
