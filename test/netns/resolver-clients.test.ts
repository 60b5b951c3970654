/**
 * Clients that are not ours and know neither EDNS nor, some of them, TCP: each asks straight at the upstream,
 * before there is a sidecar, and then through it. It finds no fewer addresses than straight, less those that
 * the policy takes out.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeResolvConf } from "../../src/netns/namespace.ts";
import { buildResolverClients, type Found, type ResolverClients } from "../support/c-libraries.ts";
import { INTERNET_V4 } from "../support/lab.ts";
import { useLab } from "../support/use-lab.ts";

const LONG = "internal-balancer-1234567890.region-1.elb.cloud-provider-of-some-length.example.org";
const REFUSED = "127.0.0.1";
const addresses = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `198.51.100.${index + 1}`);

const NAMES = {
  "a few addresses": "one.example.org",
  "an alias, 20 addresses, and one that is refused": "filtered.example.org",
  "30 addresses behind an alias": "behind.example.org",
  "60 addresses": "many.example.org",
} as const;
const CLIENTS = ["glibc", "musl", "busybox"] as const;

const lab = useLab({
  zone: {
    "filtered.example.org": { cname: LONG },
    [LONG]: { addresses: [...addresses(20), REFUSED] },
    "behind.example.org": { cname: "target.example.org" },
    "target.example.org": { addresses: addresses(30) },
    "many.example.org": { addresses: addresses(60) },
  },
});
let clients: ResolverClients;
const straight = new Map<string, Found>();

beforeAll(async () => {
  clients = await buildResolverClients();
  for (const client of CLIENTS) {
    for (const name of Object.values(NAMES)) {
      straight.set(`${client} ${name}`, await clients[client](lab.asWorkload, name));
    }
  }
  await lab.startSidecar({ policy: { egress: [{ action: "allow", target: "*.example.org" }] } });
});
afterAll(() => clients[Symbol.asyncDispose]());

describe("lookups over a bound", () => {
  const bounded = useLab({ zone: { "*.wild.example.org": { addresses: ["198.51.100.20"] } } });
  beforeAll(async () => {
    await bounded.startSidecar({
      policy: { egress: [{ action: "allow", target: "*.wild.example.org" }] },
      env: { OPENSANDBOX_EGRESS_WILDCARD_NAMES_PER_MINUTE: "1" },
    });
    // Who waits for another answer waits for half a minute.
    await writeResolvConf(bounded.sandbox, `nameserver ${INTERNET_V4}\noptions timeout:30 attempts:1\n`);
    // Takes the only place.
    await bounded.dig("first.wild.example.org", "A");
  });

  test.each(["glibc", "musl"] as const)("%s hears of it at once, and of no address", async (client) => {
    const { addresses: found, ms } = await clients[client](bounded.asWorkload, `${client}.wild.example.org`);
    expect(found).toEqual([]);
    // musl waits out its time on SERVFAIL and on REFUSED.
    expect(ms).toBeLessThan(20_000);
  });
});

for (const client of CLIENTS) {
  test.each(Object.entries(NAMES))(`${client} finds %s`, async (_what, name) => {
    const direct = straight.get(`${client} ${name}`)?.addresses ?? [];
    expect(direct).not.toEqual([]);
    const { addresses: found } = await clients[client](lab.asWorkload, name);
    expect(found).not.toContain(REFUSED);
    expect(found.length).toBeGreaterThanOrEqual(direct.filter((address) => address !== REFUSED).length);
  });
}
