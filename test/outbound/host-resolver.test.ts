import { expect, test } from "vitest";
import { RrType } from "../../src/dns/wire/constants.ts";
import { OutboundError } from "../../src/outbound/errors.ts";
import type { HostAnswer } from "../../src/outbound/host-message.ts";
import { createHostResolver } from "../../src/outbound/host-resolver.ts";

const V4 = ["192.0.2.1", "192.0.2.2"];
const V6 = ["2001:db8::1"];

function createBench(answers: (call: number, isV6: boolean) => HostAnswer | undefined) {
  const clock = { nowMs: 0 };
  let rounds = 0;
  const host = createHostResolver(
    "collector.example.net",
    async (_name, type) => {
      if (type === RrType.a) rounds += 1;
      return answers(rounds, type === RrType.aaaa);
    },
    () => clock.nowMs,
  );
  return { host, clock, rounds: () => rounds };
}

test.each([
  { hostname: "192.0.2.7", is: ["192.0.2.7"] },
  { hostname: "[2001:db8::7]", is: ["2001:db8::7"] },
  { hostname: "localhost", is: ["127.0.0.1", "::1"] },
])("$hostname is not asked for", async ({ hostname, is }) => {
  const host = createHostResolver(hostname, () => Promise.reject(new Error("asked")));
  expect(host.fixed).toEqual(is);
  expect(await host.resolve()).toEqual(is);
});

test.each(["two words", "a..example", "*.example.net"])("%s is no host", (hostname) => {
  expect(() => createHostResolver(hostname, async () => undefined)).toThrow(OutboundError);
});

test("addresses of both families, those of IPv4 first, serve for the lower TTL", async () => {
  const { host, clock, rounds } = createBench((_call, isV6) =>
    isV6 ? { addresses: V6, ttlSeconds: 60 } : { addresses: V4, ttlSeconds: 20 },
  );
  expect(await host.resolve()).toEqual([...V4, ...V6]);
  clock.nowMs = 19_999;
  await host.resolve();
  expect(rounds()).toBe(1);
  clock.nowMs = 20_000;
  await host.resolve();
  expect(rounds()).toBe(2);
});

test("a TTL of 0 counts as five seconds, one of a week as five minutes", async () => {
  for (const [ttlSeconds, seconds] of [
    [0, 5],
    [604_800, 300],
  ] as const) {
    const { host, clock, rounds } = createBench(() => ({ addresses: V4, ttlSeconds }));
    await host.resolve();
    clock.nowMs = seconds * 1000 - 1;
    await host.resolve();
    expect(rounds()).toBe(1);
    clock.nowMs += 1;
    await host.resolve();
    expect(rounds()).toBe(2);
  }
});

test("no more than four addresses of a family are taken", async () => {
  const many = Array.from({ length: 9 }, (_, n) => `192.0.2.${n}`);
  const { host } = createBench((_call, isV6) => ({ addresses: isV6 ? [] : many, ttlSeconds: 60 }));
  expect(await host.resolve()).toEqual(many.slice(0, 4));
});

test("the last addresses serve while the upstreams are silent, and are asked for again", async () => {
  const { host, clock, rounds } = createBench((call) =>
    call === 2 ? undefined : { addresses: call === 1 ? V4 : V6, ttlSeconds: 5 },
  );
  await host.resolve();
  clock.nowMs = 6000;
  expect(await host.resolve()).toEqual([...V4, ...V4]);
  clock.nowMs = 10_999;
  expect(await host.resolve()).toEqual([...V4, ...V4]);
  expect(rounds()).toBe(2);
  clock.nowMs = 11_000;
  expect(await host.resolve()).toEqual([...V6, ...V6]);
  expect(rounds()).toBe(3);
});

test("a host that never had an address is an error, and is asked for again", async () => {
  const { host, rounds } = createBench(() => ({ addresses: [], ttlSeconds: 30 }));
  await expect(host.resolve()).rejects.toMatchObject({ code: "name-not-found" });
  await expect(host.resolve()).rejects.toMatchObject({ code: "name-not-found" });
  expect(rounds()).toBe(2);
});

test("a hundred who ask at once have the upstreams asked once", async () => {
  const { host, rounds } = createBench(() => ({ addresses: V4, ttlSeconds: 30 }));
  const all = await Promise.all(Array.from({ length: 100 }, () => host.resolve()));
  expect(new Set(all.map(String)).size).toBe(1);
  expect(rounds()).toBe(1);
});
