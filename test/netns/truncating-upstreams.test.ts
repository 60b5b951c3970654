/**
 * Upstreams that send all of UDP to TCP and take their time there: what finds no place waits, and nobody
 * takes the others' places.
 */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLab, type Lab } from "../support/lab.ts";
import { type OddUpstreams, startOddUpstreams } from "../support/odd-upstreams.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { skipBecause } from "../support/skip.ts";
import { until } from "../support/until.ts";

const ASK_MANY = fileURLToPath(new URL("../support/clients/ask_many.py", import.meta.url));
const UPSTREAMS = [
  { letter: "a", address: "203.0.113.61" },
  { letter: "b", address: "203.0.113.62", mode: "sequential" },
  { letter: "c", address: "203.0.113.63", mode: "once" },
  { letter: "d", address: "2001:db8:100::64" },
] as const;
const POLICY = {
  egress: [
    { action: "allow", target: "*.example.org" },
    { action: "allow", target: "*.example.net" },
  ],
};

let lab: Lab;
let odd: OddUpstreams;
beforeAll(async () => {
  lab = await createLab();
  odd = await startOddUpstreams(
    lab.internet,
    UPSTREAMS.filter(({ address }) => lab.ipv6 || !address.includes(":")),
  );
});
afterAll(async () => {
  await odd[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

/**
 * One question after the other takes a connection 3 s in all here, on a machine that is not busy: lookups
 * have more than the usual 5 s.
 */
const PATIENT = { OPENSANDBOX_EGRESS_DNS_UPSTREAM_TIMEOUT: "20" };

function start(upstream: string, env: Readonly<Record<string, string>> = {}): Promise<Sidecar> {
  return lab.startSidecar({
    policy: POLICY,
    env: { OPENSANDBOX_EGRESS_POLICY_FILE: undefined, OPENSANDBOX_EGRESS_DNS_UPSTREAM: upstream, ...env },
  });
}

/** How many of the names got which rcode. */
async function askMany(names: readonly string[]): Promise<unknown> {
  const { stdout } = await lab.asWorkload(["python3", ASK_MANY, "25", JSON.stringify(names)]);
  return JSON.parse(stdout);
}

describe.each(UPSTREAMS)("an upstream, mode $mode at $address", ({ letter, address }) => {
  test("that takes 400 ms over TCP answers 400 lookups at once", async (context) => {
    if (!lab.ipv6 && address.includes(":")) skipBecause(context, "this machine has no IPv6");
    await using _sidecar = await start(address.includes(":") ? `[${address}]:53` : address, PATIENT);
    const names = Array.from({ length: 400 }, (_, i) => `${letter}tc400.n${i}.example.org`);
    expect(await askMany(names)).toEqual({ 0: 400 });
  });
});

test("names that are truncated and then never answered do not take the places of others", async () => {
  await using _sidecar = await start("203.0.113.62");
  const hostile = Array.from({ length: 140 }, (_, i) => `btn.n${i}.example.net`);
  const asking = askMany(hostile);
  await until("some of them wait over TCP", () => odd.queries(".example.net").some(({ tcp }) => tcp));
  const honest = Array.from({ length: 20 }, (_, i) => `btc50.n${i}.example.org`);
  expect(await askMany(honest)).toEqual({ 0: 20 });
  const held = new Set(odd.queries(".example.net").flatMap(({ tcp, qname }) => (tcp ? [qname] : [])));
  expect(held.size).toBeLessThanOrEqual(16);
  await asking;
});
