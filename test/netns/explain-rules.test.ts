/** Which rules and names `explain` speaks of, of the real sidecar. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const BY_NAME = fileURLToPath(new URL("../support/clients/by_name.py", import.meta.url));
const lab = useLab({
  per: "test",
  zone: {
    "first.shared.example.org": { addresses: ["198.51.100.60"] },
    "second.shared.example.org": { addresses: ["198.51.100.60"] },
    "solo.example.org": { addresses: ["198.51.100.61"] },
  },
  upstream: { ttlSeconds: 300 },
});

const explanationShape = z.looseObject({ reachable: z.boolean(), because: z.string() });
const start = (egress: readonly object[]): Promise<Sidecar> => lab.startSidecar({ policy: { egress } });
async function ask(sidecar: Sidecar, query: string): Promise<z.infer<typeof explanationShape>> {
  return explanationShape.parse((await sidecar.api("GET", `/explain?target=${query}`)).json());
}

test("all rules that match are told in their order, and which one can never decide", async () => {
  const egress = [
    { action: "deny", target: "api.wild.example.org" },
    { action: "allow", target: "*.example.org" },
    { action: "deny", target: "*.wild.example.org" },
  ];
  const sidecar = await start(egress);
  const found = await ask(sidecar, "x.wild.example.org");
  expect(found).toMatchObject({
    reachable: true,
    name: {
      answer: "asked",
      decision: { action: "allow", layer: "user", rule: "*.example.org" },
      matches: [
        { target: "*.example.org", position: 2, decides: true },
        { target: "*.wild.example.org", position: 3, decides: false, shadowedBy: "*.example.org" },
      ],
    },
  });
});

test("nobody is asked, and nothing is learned", async () => {
  const sidecar = await start([{ action: "allow", target: "*.example.org" }]);
  await ask(sidecar, "one.example.org");
  await lab.dig("three.example.org");
  await until("the lookup is asked", () =>
    lab.upstream.questions().some(({ qname }) => /^three/i.test(qname)),
  );
  expect(lab.upstream.questions().filter(({ qname }) => /^one/i.test(qname))).toEqual([]);
});

test("who has opened an address is a name whose rules let that flow pass", async () => {
  const sidecar = await start([
    { action: "allow", target: "first.shared.example.org", ports: [7], protocol: "udp" },
    { action: "allow", target: "second.shared.example.org", protocol: "icmp" },
  ]);
  for (const name of ["first.shared.example.org", "second.shared.example.org"]) await lab.dig(name, "A");
  const byFirst = /since a lookup of first\.shared\.example\.org gave it/;
  const byAddress = await ask(sidecar, "198.51.100.60&port=7&protocol=udp");
  expect(byAddress).toMatchObject({ reachable: true, because: expect.stringMatching(byFirst) });
  const byName = await ask(sidecar, "second.shared.example.org&port=7&protocol=udp");
  // No name is judged there.
  expect(byName).toMatchObject({ reachable: true, because: expect.stringMatching(byFirst) });
  const argv = ["python3", BY_NAME, JSON.stringify([["udp", "second.shared.example.org", 7]])] as const;
  expect(await lab.asWorkload(argv)).toMatchObject({ stdout: '["reached"]\n' });
});

test("a name that rules with ports allow can be reached, also once it is looked up", async () => {
  const sidecar = await start([{ action: "allow", target: "solo.example.org", ports: [80] }]);
  expect(await ask(sidecar, "solo.example.org")).toMatchObject({ reachable: true });
  await lab.dig("solo.example.org", "A");
  expect(await ask(sidecar, "solo.example.org")).toMatchObject({
    reachable: true,
    because: expect.stringContaining("the rules for its names allow some ports or protocols"),
  });
});

test("in audit mode it tells what lets a port through, and the rule that would not have to", async () => {
  const sidecar = await start([{ action: "allow", target: "solo.example.org", ports: [80] }]);
  await sidecar.api("PUT", "/audit", { body: { enabled: true } });
  await lab.dig("solo.example.org", "A");
  const found = await ask(sidecar, "solo.example.org&port=8080");
  expect(found).toMatchObject({ reachable: true });
  expect(found.because).toContain(
    "audit mode lets tcp port 8080 of solo.example.org through; without it no rule allows tcp port 8080 of solo.example.org",
  );
  expect(await lab.curl("-4", "http://solo.example.org:8080/")).toMatchObject({ status: 200 });
});

test("UDP to an address that only names have opened passes, but for QUIC, and that is said", async () => {
  const sidecar = await start([
    { action: "allow", target: "solo.example.org" },
    { action: "allow", target: "198.51.100.60" },
  ]);
  await lab.dig("solo.example.org", "A");
  const refusal = "but QUIC (HTTP/3) is refused there: its clients fall back to TCP";
  const tell = async (query: string) => (await ask(sidecar, query)).because.includes(refusal);
  // The long header of QUIC, version 1.
  const QUIC = "c00000000108";
  const send = async (address: string, octets: string) => {
    const code = `import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(bytes.fromhex("${octets}").ljust(1200, b"x"), ("${address}", 443))`;
    return (await lab.asWorkload(["python3", "-c", code])).exitCode === 0;
  };
  expect([await send("198.51.100.61", "00"), await send("198.51.100.61", QUIC)]).toEqual([true, false]);
  expect([await send("198.51.100.60", "00"), await send("198.51.100.60", QUIC)]).toEqual([true, true]);
  expect(await tell("solo.example.org&port=443&protocol=udp")).toBe(true);
  expect(await tell("198.51.100.61&port=443&protocol=udp")).toBe(true);
  expect(await tell("198.51.100.60&port=443&protocol=udp")).toBe(false);
  expect(await tell("solo.example.org&port=443")).toBe(false);
});
