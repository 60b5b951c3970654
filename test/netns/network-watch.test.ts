/**
 * Each change of the network is told by the time that the call which makes it returns: facts that are
 * remembered are never older.
 */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createNamespace, execIn } from "../../src/netns/namespace.ts";

const CHILD = fileURLToPath(new URL("../netfilter/network-child.ts", import.meta.url));

test("interfaces, addresses, routes of any table and nexthop objects; also more at once than there is room for", async () => {
  await using namespace = await createNamespace("network");
  const run = await execIn(namespace, [process.execPath, CHILD]);
  expect(run.stderr).not.toContain("Error");
  const { told, read, ...routes } = JSON.parse(run.stdout);
  expect(told).toEqual({
    "at first": true,
    nothing: false,
    "an interface": true,
    "an interface up": true,
    "an address": true,
    "an IPv6 address": true,
    "a route": true,
    "an IPv6 route": true,
    "a nexthop object": true,
    "a route by it": true,
    "the nexthop object gone": true,
    "the address gone": true,
    "another interface of its name": true,
    "many addresses": true,
    closed: true,
  });
  // What routers advertise is taken up to a bound, what the machine says in any case.
  expect(routes).toMatchObject({ isStaticThere: true });
  expect(routes["advertised"]).toBeGreaterThan(1000);
  expect(routes["advertised"]).toBeLessThanOrEqual(1024);
  expect(read["an interface"]).toContain("one0");
  expect(read["an address"]).toContain("192.0.2.2");
  expect(read["an IPv6 address"]).toContain("2001:db8::2");
  expect(read["a route"]).toContain("192.0.2.1");
  expect(read["an IPv6 route"]).toContain("2001:db8::1");
  expect(read["a route by it"]).toContain("192.0.2.9");
  expect(read["the nexthop object gone"]).not.toContain("192.0.2.9");
  expect(read["the address gone"]).not.toContain("192.0.2.2");
  expect(read["another interface of its name"]).not.toContain("2001:db8::2");
  expect(read["many addresses"]).toContain("203.0.113.199");
});
