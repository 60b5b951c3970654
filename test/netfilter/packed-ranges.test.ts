import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  diffRanges,
  octetsAfter,
  packRanges,
  type PackedRanges,
  rangeOctets,
  renderRanges,
  sameRanges,
} from "../../src/netfilter/packed-ranges.ts";
import { listIntervals } from "../../src/policy/intervals.ts";
import { policyOf } from "./ruleset-input.ts";

const rule = fc
  .tuple(
    fc.constantFrom("allow", "deny"),
    fc.oneof(
      fc
        .tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 32 }))
        .map(([a, b]) => `${a * 36}.0.0.0/${b}`),
      fc
        .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 128 }))
        .map(([a, b]) => `${a}001::/${b}`),
      fc.constantFrom("255.255.255.255", "0.0.0.0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ),
  )
  .map((words) => words.join(" "));
const policy = fc.array(rule, { maxLength: 20 }).map((rules) => policyOf("deny", ...rules));

/** Each range as text: what `gone` and `come` are sets of. */
const texts = (ranges: PackedRanges): Set<string> => new Set(renderRanges(ranges));

test("packed ranges are the policy's intervals, action by action", () => {
  fc.assert(
    fc.property(policy, fc.constantFrom("allow", "deny"), ({ addresses }, action) => {
      for (const map of [addresses.v4, addresses.v6]) {
        const listed = listIntervals(map).filter((interval) => interval.action === action);
        expect(renderRanges(packRanges(map, action))).toEqual(
          listed.map(({ first, last }) => (first === last ? first : `${first}-${last}`)),
        );
      }
    }),
  );
});

test("taking away what is gone and adding what comes turns one into the other", () => {
  fc.assert(
    fc.property(policy, policy, (before, after) => {
      for (const family of ["v4", "v6"] as const) {
        const from = packRanges(before.addresses[family], "allow");
        const to = packRanges(after.addresses[family], "allow");
        const { gone, come } = diffRanges(from, to);
        const result = texts(from);
        for (const text of texts(gone)) expect(result.delete(text)).toBe(true);
        for (const text of texts(come)) {
          expect(result.has(text)).toBe(false);
          result.add(text);
        }
        expect(result).toEqual(texts(to));
        expect(gone.bounds.length + come.bounds.length === 0).toBe(sameRanges(from, to));
      }
    }),
  );
});

describe("the address behind the last one of a range", () => {
  test.each([
    ["192.0.2.7", [192, 0, 2, 8]],
    ["192.0.2.255", [192, 0, 3, 0]],
    ["0.255.255.255", [1, 0, 0, 0]],
    ["255.255.255.255", undefined],
  ])("%s", (address, expected) => {
    const ranges = packRanges(policyOf("deny", `allow ${address}`).addresses.v4, "allow");
    const after = octetsAfter(ranges, 1);
    expect(after && [...after]).toEqual(expected);
  });

  test("carries over the words of IPv6", () => {
    const ranges = packRanges(policyOf("deny", "allow 2001:db8::ffff:ffff").addresses.v6, "allow");
    expect([...(octetsAfter(ranges, 4) ?? [])].join(" ")).toBe("32 1 13 184 0 0 0 0 0 0 0 1 0 0 0 0");
    expect([...rangeOctets(ranges, 0)].slice(-4)).toEqual([255, 255, 255, 255]);
  });
});
