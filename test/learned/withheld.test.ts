import { expect, test } from "vitest";
import { octetsOf } from "../../src/tables/octet-key.ts";
import { createWithheldAddresses } from "../../src/learned/withheld.ts";

const all = (...addresses: readonly string[]) => addresses.flatMap(octetsOf);

test("what the network says is replaced whole, and the upstreams' own stay", () => {
  const withheld = createWithheldAddresses(all("192.0.2.53"), () => 0);
  const has = (address: string) => all(address).every((octets) => withheld.has(octets, 0, octets.length));
  expect([has("192.0.2.53"), has("192.0.2.1")]).toEqual([true, false]);
  withheld.replace(all("192.0.2.1", "2001:db8::1"));
  expect(["192.0.2.53", "192.0.2.1", "2001:db8::1", "192.0.2.2"].map(has)).toEqual([true, true, true, false]);
  expect(withheld.list()).toEqual(all("192.0.2.53", "192.0.2.1", "2001:db8::1"));
  withheld.replace([]);
  expect(["192.0.2.53", "192.0.2.1"].map(has)).toEqual([true, false]);
});

test.each([
  { before: [], after: ["192.0.2.1"], isNew: true },
  { before: ["192.0.2.1"], after: ["192.0.2.1"], isNew: false },
  { before: ["192.0.2.1", "192.0.2.9"], after: ["192.0.2.1"], isNew: false },
  { before: ["192.0.2.1"], after: ["192.0.2.9"], isNew: true },
  { before: [], after: ["192.0.2.53"], isNew: false },
])("from $before to $after something is new: $isNew", ({ before, after, isNew }) => {
  const withheld = createWithheldAddresses(all("192.0.2.53"), () => 0);
  withheld.replace(all(...before));
  expect(withheld.replace(all(...after))).toBe(isNew);
});
