import { expect, test } from "vitest";
import { createBoundAddresses } from "../../src/intercept/bound-addresses.ts";
import type { BoundSet } from "../../src/netfilter/bound-set.ts";
import { renderAddress } from "../../src/policy/address.ts";
import { nameOf } from "../support/policy.ts";

const [API, CDN] = [nameOf("api.example.org"), nameOf("cdn.example.org")];
const V4 = Uint8Array.of(198, 51, 100, 1);
const V6 = Uint8Array.from([0x20, 0x01, 0x0d, 0xb8, ...Array.from({ length: 11 }, () => 0), 1]);

/** A kernel that takes what it is told, until it refuses. */
function startKernel() {
  const held = new Set<string>();
  let queued: (() => void)[] = [];
  const kernel = { held, commits: 0, isRefusing: false };
  const set: BoundSet = {
    add: (key) => void queued.push(() => held.add(renderAddress(key))),
    remove: (key) => void queued.push(() => held.delete(renderAddress(key))),
    clear: () => void queued.push(() => held.clear()),
    commit() {
      const all = queued;
      queued = [];
      if (kernel.isRefusing) throw new Error("refused");
      if (all.length > 0) kernel.commits += 1;
      for (const change of all) change();
    },
  };
  return { kernel, addresses: createBoundAddresses(set) };
}
const give = ({ addresses }: ReturnType<typeof startKernel>, name: typeof API, octets: Uint8Array): boolean =>
  addresses.give(name, octets, 0, octets.length);

test("an address is in the kernel once it is committed, in either family, and the name is known to have given it", () => {
  const on = startKernel();
  give(on, API, V4);
  give(on, API, V6);
  expect(on.kernel.held).toEqual(new Set());
  on.addresses.commit();
  expect(on.kernel.held).toEqual(new Set(["198.51.100.1", "2001:db8::1"]));
  expect(on.addresses.wasGiven(V4, API)).toBe(true);
  expect(on.addresses.wasGiven(V4, CDN)).toBe(false);
  expect(on.addresses.wasGiven(Uint8Array.of(198, 51, 100, 2), API)).toBe(false);
});

test("what is in the kernel already costs it nothing when it is given again, by another name either", () => {
  const on = startKernel();
  give(on, API, V4);
  on.addresses.commit();
  give(on, API, V4);
  give(on, CDN, V4);
  on.addresses.commit();
  expect(on.kernel.commits).toBe(1);
  expect(on.addresses.wasGiven(V4, CDN)).toBe(true);
});

test("an address goes with the last of its names that is bound", () => {
  const on = startKernel();
  give(on, API, V4);
  give(on, CDN, V4);
  on.addresses.commit();
  on.addresses.keepOnly(
    (name) => name === CDN,
    () => true,
  );
  on.addresses.commit();
  expect(on.addresses.wasGiven(V4, API)).toBe(false);
  expect(on.kernel.held.size).toBe(1);
  on.addresses.keepOnly(
    () => false,
    () => true,
  );
  on.addresses.commit();
  expect(on.kernel.held.size).toBe(0);
  expect(on.addresses.size()).toBe(0);
});

test("an address goes once it is not in force any more", () => {
  const on = startKernel();
  give(on, API, V4);
  give(on, API, V6);
  on.addresses.commit();
  on.addresses.keepOnly(
    () => true,
    (octets) => octets.length === 16,
  );
  on.addresses.commit();
  expect(on.kernel.held).toEqual(new Set(["2001:db8::1"]));
});

test("what the kernel has refused is written anew when it is given again", () => {
  const on = startKernel();
  on.kernel.isRefusing = true;
  give(on, API, V4);
  expect(() => on.addresses.commit()).toThrow("refused");
  expect(on.addresses.wasGiven(V4, API)).toBe(false);
  on.kernel.isRefusing = false;
  give(on, API, V4);
  on.addresses.commit();
  expect(on.kernel.held.size).toBe(1);
});

test("what others have put into the sets goes when they are written anew", () => {
  const on = startKernel();
  give(on, API, V4);
  on.addresses.commit();
  on.kernel.held.clear();
  on.kernel.held.add("203.0.113.9");
  on.addresses.rewrite();
  on.addresses.commit();
  expect(on.kernel.held).toEqual(new Set(["198.51.100.1"]));
});

test("however many addresses and names are given, those given last are kept", () => {
  const on = startKernel();
  for (let index = 0; index < 20_000; index += 1) {
    give(on, API, Uint8Array.of(10, 0, index >> 8, index & 0xff));
    on.addresses.commit();
  }
  expect(on.kernel.held.size).toBe(16_384);
  expect(on.addresses.wasGiven(Uint8Array.of(10, 0, 19_999 >> 8, 19_999 & 0xff), API)).toBe(true);
  expect(on.addresses.wasGiven(Uint8Array.of(10, 0, 0, 0), API)).toBe(false);
  for (let index = 0; index < 100; index += 1) give(on, nameOf(`n${index}.example.org`), V4);
  expect(on.addresses.wasGiven(V4, nameOf("n99.example.org"))).toBe(true);
  expect(on.addresses.wasGiven(V4, nameOf("n0.example.org"))).toBe(false);
});
