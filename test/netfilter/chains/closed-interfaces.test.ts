import * as fc from "fast-check";
import { expect, test } from "vitest";
import { closeOtherNames, type ClosedNames } from "../../../src/netfilter/chains/closed-interfaces.ts";

/** As the kernel compares them (`nft_netdev_hook_alloc`). */
function matchesOf(name: string, chains: readonly ClosedNames[]): readonly ClosedNames[] {
  return chains.flatMap((chain) => [
    ...chain.prefixes.filter((prefix) => name.startsWith(prefix)).map(() => chain),
    ...chain.names.filter((whole) => whole === name).map(() => chain),
  ]);
}

const octet = fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code));
const nameOf = (letter: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .array(letter, { minLength: 1, maxLength: 15 })
    .map((letters) => letters.join("").replaceAll(/[\t-\r /:\u00a0]/g, "x"));
/** Many that begin alike, and any. */
const anyName = fc.oneof(nameOf(fc.constantFrom("e", "t", "h", "0", "1")), nameOf(octet));
const knownNames = fc.uniqueArray(
  fc.oneof(
    nameOf(fc.constantFrom("e", "t", "h", "0")),
    fc.constantFrom("lo", "eth0", "eth", "vethabcdef01234"),
  ),
  {
    maxLength: 40,
  },
);

const fewNames = knownNames.filter((names) => new Set(names.flatMap(beginningsOf)).size < 32);

function beginningsOf(name: string): readonly string[] {
  return Array.from(name, (_, index) => name.slice(0, index + 1));
}

test("a name is closed by one hook, unless it is known", () => {
  fc.assert(
    fc.property(fewNames, anyName, (known, name) => {
      expect(matchesOf(name, closeOtherNames(known))).toHaveLength(known.includes(name) ? 0 : 1);
    }),
    { numRuns: 300 },
  );
});

test("no known name passes a hook, also where they are many", () => {
  fc.assert(
    fc.property(knownNames, anyName, (known, name) => {
      const chains = closeOtherNames(["lo", "eth0", ...known]);
      for (const one of ["lo", "eth0", ...known]) expect(matchesOf(one, chains)).toEqual([]);
      expect(matchesOf(name, chains).length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 200 },
  );
});

test("where they are many, what begins otherwise is closed all the same", () => {
  const many = Array.from({ length: 500 }, (_, index) => `veth${(index * 7919).toString(16)}x`);
  const chains = closeOtherNames(["lo", "eth0", ...many]);
  for (const name of ["eth1", "eth", "wlan0", "lo0", "vet"]) expect(matchesOf(name, chains)).toHaveLength(1);
});

test("however many are known, chains and hooks are bounded", () => {
  const many = Array.from({ length: 500 }, (_, index) => `veth${(index * 7919).toString(16)}x`);
  const chains = closeOtherNames(["lo", ...many]);
  expect(chains.length).toBeLessThanOrEqual(160);
  for (const { prefixes, names } of chains) {
    expect(prefixes.length + names.length).toBeLessThanOrEqual(64);
  }
});

test("an octet that is none of ASCII is compared as the kernel has it", () => {
  const chains = closeOtherNames(["lo", "ü0"]);
  const octets = Buffer.from("ü0").toString("latin1");
  expect(matchesOf(octets, chains)).toEqual([]);
  expect(matchesOf(`${octets}x`, chains)).toHaveLength(1);
});
