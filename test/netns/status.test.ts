/** `GET /status` and `egress status` of the real program: what they tell is what the kernel holds. */
import { expect, test } from "vitest";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { configure, execIn } from "../../src/netns/namespace.ts";
import { findDeviation } from "../conformance/documented.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { readAddresses, readSet } from "../support/kernel-sets.ts";
import { INTERNET_V4 } from "../support/lab.ts";
import { runProgram } from "../support/program.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import type { Zone } from "../support/upstream.ts";
import { useLab } from "../support/use-lab.ts";

const CROWDS = 12;
const CROWD = 250;
/** Names with many addresses each: thousands in all. */
const CROWDED: Zone = Object.fromEntries(
  Array.from({ length: CROWDS }, (_, crowd) => [
    `crowd${crowd}.example.net`,
    { addresses: Array.from({ length: CROWD }, (_one, index) => `198.18.${crowd}.${index + 1}`) },
  ]),
);
const POLICY = {
  egress: [
    { action: "allow", target: "one.example.org" },
    { action: "allow", target: "*.wild.example.org" },
    { action: "allow", target: "*.example.net" },
  ],
};

const statusShape = z.looseObject({
  generation: z.number(),
  health: z.looseObject({ ok: z.boolean() }),
  protections: z.array(z.looseObject({ name: z.string(), state: z.string() })),
  interfaces: z.looseObject({ guarded: z.array(z.string()) }),
  upstreams: z.array(z.looseObject({ address: z.string(), alive: z.boolean() })),
  learned: z.looseObject({
    total: z.number(),
    addresses: z.array(
      z.looseObject({ address: z.string(), owners: z.array(z.string()), secondsLeft: z.number() }),
    ),
    next: z.string().optional(),
  }),
  ruleFiles: z.object({ denyAlways: z.string() }),
  ruleFileProblems: z.array(z.unknown()),
  counters: z.record(z.string(), z.number()),
});
type Status = z.infer<typeof statusShape>;

const lab = useLab({ per: "test", zone: CROWDED, upstream: { ttlSeconds: 300 } });

async function readStatus(sidecar: Sidecar, query = ""): Promise<Status> {
  const answer = await sidecar.api("GET", `/status${query}`);
  expect(findDeviation("GET", "/status", answer)).toBeUndefined();
  return statusShape.parse(answer.json());
}

test.for(FAMILIES)(
  "learned addresses are shown with their names and the time that the kernel gives them, $name",
  async (family, context) => {
    skipWithoutFamily(context, lab, family);
    const sidecar = await lab.startSidecar({ policy: POLICY });
    expect((await readStatus(sidecar)).learned).toMatchObject({ total: 0, addresses: [] });
    for (const name of ["one.example.org", "a.wild.example.org", "b.wild.example.org", "two.example.org"]) {
      await lab.dig("-t", family.qtype, name);
    }
    const { learned, counters } = await readStatus(sidecar);
    const held = await readSet(lab.sandbox, `dyn_allow_${family.set}`);
    expect(learned.addresses.map(({ address }) => address).toSorted()).toEqual([family.one, family.wild]);
    expect(held.map(({ address }) => address).toSorted()).toEqual([family.one, family.wild]);
    expect(learned.addresses.find(({ address }) => address === family.wild)?.owners).toEqual([
      "b.wild.example.org",
      "a.wild.example.org",
    ]);
    for (const { address, secondsLeft } of learned.addresses) {
      const expires = held.find((element) => element.address === address)?.expiresSeconds ?? 0;
      expect(Math.abs(expires - secondsLeft)).toBeLessThan(10);
    }
    expect(counters).toMatchObject({ "egress.policy.denied_total": 1, "egress.nftables.learned.count": 2 });
  },
);

test("thousands of learned addresses come page by page, each once, while lookups renew and add some", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY });
  for (let crowd = 0; crowd < CROWDS; crowd++) {
    const { addresses } = await lab.dig(`crowd${crowd}.example.net`);
    expect(addresses).toHaveLength(CROWD);
  }
  const held = await readAddresses(lab.sandbox, "dyn_allow_v4");
  const shown: string[] = [];
  for (let after: string | undefined = "0", pages = 0; after !== undefined; pages++) {
    const { learned }: Status = await readStatus(sidecar, `?limit=700&after=${after}`);
    expect(learned.addresses.length).toBeLessThanOrEqual(700);
    shown.push(...learned.addresses.map(({ address }) => address));
    after = learned.next;
    await lab.dig(pages % 2 === 0 ? "one.example.org" : "crowd0.example.net");
  }
  expect(shown.filter((address) => address.startsWith("198.18.")).toSorted()).toEqual(held);
  expect(held).toHaveLength(CROWDS * CROWD);
});

test("layers, protections, interfaces and upstreams are those in force", async () => {
  const denyAlways = join(lab.stateFolder, "rules", "deny.always");
  await writeFile(denyAlways, "203.0.113.99\n");
  await writeFile(join(lab.stateFolder, "rules", "allow.always"), "three.example.org\n");
  const sidecar = await lab.startSidecar({
    policy: POLICY,
    env: { OPENSANDBOX_EGRESS_REQUIRE: "raw-frames", OPENSANDBOX_EGRESS_SANDBOX_ID: "sbx-1" },
  });
  await writeFile(denyAlways, "bad line\n");
  const before = await until("the bad line is told", async () => {
    const status = await readStatus(sidecar);
    return status.ruleFileProblems.length > 0 && status;
  });
  const { etag } = (await sidecar.api("GET", "/policy")).headers;
  expect(before).toMatchObject({
    mode: "enforcing",
    enforcementMode: "dns+nft",
    sandboxId: "sbx-1",
    health: { ok: true },
    layers: {
      denyAlways: { total: 1, shown: ["203.0.113.99"] },
      allowAlways: { total: 1, shown: ["three.example.org"] },
      user: { total: 3, shown: POLICY.egress, defaultAction: "deny", etag },
    },
    ruleFileProblems: [{ path: expect.stringMatching(/deny\.always:1/) }],
    interfaces: { guarded: ["eth0"], unguarded: [] },
    upstreams: [{ address: INTERNET_V4, port: 53, alive: true }],
    resolver: expect.arrayContaining([{ address: "127.0.0.1", port: 15_353 }]),
  });
  expect(before.protections).toContainEqual({ name: "raw-frames", state: "on", required: true });
  const current = (await execIn(lab.sandbox, ["nft", "list", "chain", "inet", "opensandbox", "current"]))
    .stdout;
  expect(Number(/0x[0-9a-f]+/.exec(current)?.[0])).toBe(before.generation);

  await configure(lab.sandbox, ["link add v*0 type veth peer name peer0"]);
  const after = await until("the new interfaces are told", async () => {
    const status = await readStatus(sidecar);
    return status.interfaces.guarded.includes("peer0") && !status.health.ok && status;
  });
  expect(after).toMatchObject({
    health: { ok: false, reason: expect.stringContaining('raw-frames is off: interface "v*0"') },
    interfaces: { unguarded: [{ name: "v*0", reason: "nft cannot be told its name" }] },
  });
  expect(after.protections).toContainEqual(expect.objectContaining({ name: "raw-frames", state: "off" }));
  expect(after.generation).not.toBe(before.generation);
});

test("an upstream that answers neither lookups nor probes is told", async () => {
  const sidecar = await lab.startSidecar({
    policy: POLICY,
    env: {
      OPENSANDBOX_EGRESS_DNS_UPSTREAM: `203.0.113.222:5353,${INTERNET_V4}`,
      OPENSANDBOX_EGRESS_DNS_UPSTREAM_PROBE_INTERVAL_SEC: "1",
      OPENSANDBOX_EGRESS_DNS_UPSTREAM_TIMEOUT: "1",
    },
  });
  const told = await until("the probes have failed", async () => {
    const { upstreams } = await readStatus(sidecar);
    return upstreams.every(({ alive }) => alive) ? undefined : upstreams;
  });
  expect(told.map(({ address, alive }) => ({ address, alive }))).toEqual([
    { address: "203.0.113.222", alive: false },
    { address: INTERNET_V4, alive: true },
  ]);
});

test("egress status shows it to an operator, over the unix socket and from outside", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY });
  await lab.dig("one.example.org");
  const env = { OPENSANDBOX_EGRESS_SOCKET: sidecar.socketPath };
  const { exitCode, stdout, stderr } = await runProgram(lab.sandbox, ["status"], { env });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toMatch(/^health +ok$/m);
  expect(stdout).toMatch(/^ {2}raw-frames +on$/m);
  expect(stdout).toMatch(/^ {2}198\.51\.100\.1 +\d+ s left +used \d+ s ago +one\.example\.org$/m);
  const outside = await runProgram(lab.internet, ["status", "--json", "--url", "http://192.0.2.2:18080"], {
    env: { OPENSANDBOX_EGRESS_TOKEN: sidecar.token },
  });
  expect(JSON.parse(outside.stdout)).toMatchObject({ learned: { addresses: [{ address: "198.51.100.1" }] } });
  const stranger = await lab.curl("http://127.0.0.1:18080/status");
  expect(stranger).toMatchObject({ status: 401 });
});

test("no secret is among it: neither token nor marks nor where events are posted", async () => {
  const sidecar = await lab.startSidecar({
    policy: POLICY,
    env: { OPENSANDBOX_EGRESS_DENY_WEBHOOK: "http://user:hunter2@192.0.2.1:9/hook" },
  });
  const { text } = await sidecar.api("GET", "/status");
  const ruleset = (await execIn(lab.sandbox, ["nft", "list", "ruleset"])).stdout;
  const { generation } = await readStatus(sidecar);
  const marks = Array.from(ruleset.matchAll(/\bmark (?:set )?0x([0-9a-f]{8})\b/g), ([, hex = ""]) => hex);
  const priorities = Array.from(
    ruleset.matchAll(/\bpriority (?:set )?([0-9a-f]{1,4}):([0-9a-f]{1,4})\b/g),
    ([, major = "", minor = ""]) => major.padStart(4, "0") + minor.padStart(4, "0"),
  );
  const secrets = [...marks, ...priorities]
    .map((hex) => Number.parseInt(hex, 16))
    .filter((mark) => mark > 0xffff && mark !== generation);
  expect(new Set(secrets).size).toBeGreaterThanOrEqual(4);
  for (const mark of secrets) {
    expect(text).not.toContain(mark.toString(16));
    expect(text).not.toContain(String(mark));
  }
  for (const secret of [sidecar.token, "hunter2", "/hook"]) expect(text).not.toContain(secret);
});
