import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseAddress } from "../../src/policy/address.ts";
import { decideAddress } from "../../src/policy/decide-address.ts";
import { type AddressInterval, listIntervals } from "../../src/policy/intervals.ts";
import { anyAction, anyPrefix } from "./arbitraries.ts";
import { allowByDefault, compiled, denyByDefault, valueOf } from "./examples.ts";

function listed(...egress: readonly string[]): readonly string[] {
  const { v4, v6 } = compiled(denyByDefault(...egress)).addresses;
  return [...listIntervals(v4), ...listIntervals(v6)].map(
    ({ first, last, action }) => `${action} ${first}-${last}`,
  );
}

test("a policy without address rules lists nothing, whatever its default", () => {
  expect(listed("allow example.org")).toEqual([]);
  const { v4, v6 } = compiled(allowByDefault()).addresses;
  expect(listIntervals(v4)).toEqual([]);
  expect(listIntervals(v6)).toEqual([]);
});

test("an exception cuts the prefix around it", () => {
  expect(listed("deny 192.0.2.7", "allow 192.0.2.0/24")).toEqual([
    "allow 192.0.2.0-192.0.2.6",
    "deny 192.0.2.7-192.0.2.7",
    "allow 192.0.2.8-192.0.2.255",
  ]);
});

test("a later rule inside an earlier one is without effect", () => {
  expect(listed("allow 192.0.2.0/24", "deny 192.0.2.7")).toEqual(["allow 192.0.2.0-192.0.2.255"]);
});

test("neighbours with the same action are one interval, whichever rules decide them", () => {
  expect(listed("allow 192.0.2.128/25", "allow 192.0.2.0/25", "deny 192.0.3.0/24")).toEqual([
    "allow 192.0.2.0-192.0.2.255",
    "deny 192.0.3.0-192.0.3.255",
  ]);
});

test("the ends of both spaces are reached", () => {
  expect(listed("deny 255.255.255.255", "deny 0.0.0.0", "allow 0.0.0.0/0", "allow ::/0")).toEqual([
    "deny 0.0.0.0-0.0.0.0",
    "allow 0.0.0.1-255.255.255.254",
    "deny 255.255.255.255-255.255.255.255",
    "allow ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
  ]);
});

test("borders carry over words, and IPv6 intervals stay IPv6 next to the mapped addresses", () => {
  expect(listed("deny 2001:db8::ffff:ffff:ffff:ffff", "allow 2001:db8::/63", "deny ::fffe:0:0/96")).toEqual([
    "deny ::fffe:0:0-::fffe:ffff:ffff",
    "allow 2001:db8::-2001:db8::ffff:ffff:ffff:fffe",
    "deny 2001:db8::ffff:ffff:ffff:ffff-2001:db8::ffff:ffff:ffff:ffff",
    "allow 2001:db8:0:1::-2001:db8:0:1:ffff:ffff:ffff:ffff",
  ]);
  expect(listed("deny ::fffe:0:0/96", "allow ::/0").slice(1)).toEqual([
    "deny ::fffe:0:0-::fffe:ffff:ffff",
    "allow ::ffff:0:0-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
  ]);
});

const BITS = { 4: 32n, 6: 128n } as const;

/** An address as one number. `::ffff:0:0` and beyond stay what they are: no text here is of the mapped form. */
function numberOf(text: string): bigint {
  const { family, octets } = valueOf(parseAddress(text));
  const value = octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
  return text.includes(":") && family === 4 ? value | 0xffff_0000_0000n : value;
}

function octetsOf(value: bigint, family: 4 | 6): Uint8Array {
  const octets = new Uint8Array(family === 4 ? 4 : 16);
  return octets.map((_, index) => Number((value >> BigInt(8 * (octets.length - 1 - index))) & 0xffn));
}

test("intervals are ascending, apart, and say at every border what a decision says", () => {
  const anyEgress = fc.array(
    fc.tuple(anyAction, anyPrefix).map((parts) => parts.join(" ")),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(anyEgress, (egress) => {
      const policy = compiled(denyByDefault(...egress));
      for (const family of [4, 6] as const) {
        const intervals = listIntervals(family === 4 ? policy.addresses.v4 : policy.addresses.v6);
        const borders = intervals.flatMap(({ first, last }) => [numberOf(first), numberOf(last)]);
        expect(borders).toEqual([...borders].sort((a, b) => (a < b ? -1 : Number(a > b))));
        for (const border of borders.flatMap((at) => [at - 1n, at, at + 1n])) {
          if (
            border < 0n ||
            border >> BITS[family] !== 0n ||
            border >> 32n === (family === 6 ? 0xffffn : -1n)
          )
            continue;
          const { action, rule } = decideAddress(policy, octetsOf(border, family), 0, family === 4 ? 4 : 16);
          expect(holding(intervals, border)?.action).toBe(rule === undefined ? undefined : action);
        }
      }
    }),
    { numRuns: 300 },
  );
});

function holding(intervals: readonly AddressInterval[], at: bigint): AddressInterval | undefined {
  return intervals.find(({ first, last }) => numberOf(first) <= at && at <= numberOf(last));
}

test("neighbours never have the same action", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyAction, anyPrefix).map((parts) => parts.join(" "))), (egress) => {
      const { v4, v6 } = compiled(denyByDefault(...egress)).addresses;
      for (const intervals of [listIntervals(v4), listIntervals(v6)]) {
        const joinable = intervals.filter((interval, index) => {
          const next = intervals[index + 1];
          return next?.action === interval.action && numberOf(next.first) === numberOf(interval.last) + 1n;
        });
        expect(joinable).toEqual([]);
      }
    }),
  );
});

test("ten thousand rules for one prefix compile, and the first decides", () => {
  const egress = Array.from(
    { length: 10_000 },
    (_, index) => `${index === 0 ? "deny" : "allow"} 192.0.2.0/24`,
  );
  expect(listed(...egress)).toEqual(["deny 192.0.2.0-192.0.2.255"]);
});
