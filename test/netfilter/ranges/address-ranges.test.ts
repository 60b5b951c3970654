import * as fc from "fast-check";
import { expect, test } from "vitest";
import { mergeRanges } from "../../../src/netfilter/ranges/address-ranges.ts";

test.each([
  [["203.0.113.7"], ["203.0.113.7"], []],
  [["203.0.113.128/25", "203.0.113.0/25"], ["203.0.113.0-203.0.113.255"], []],
  [["203.0.113.0/24", "203.0.113.7", "203.0.113.64/26"], ["203.0.113.0-203.0.113.255"], []],
  [["0.0.0.0/0", "255.255.255.255"], ["0.0.0.0-255.255.255.255"], []],
  [["::ffff:192.0.2.1", "::/0"], ["192.0.2.1"], ["::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]],
  [["fe80::1/64", "fe80::2/64", "2001:db8::1"], [], ["2001:db8::1", "fe80::-fe80::ffff:ffff:ffff:ffff"]],
])("%j", (texts, v4, v6) => {
  expect(mergeRanges(texts)).toEqual({ v4, v6 });
});

test("the ranges hold exactly the addresses of the prefixes, apart from each other", () => {
  const prefix = fc.record({
    host: fc.integer({ min: 0, max: 255 }),
    length: fc.integer({ min: 24, max: 32 }),
  });
  fc.assert(
    fc.property(fc.array(prefix, { maxLength: 8 }), (prefixes) => {
      const wanted = new Set(
        prefixes.flatMap(({ host, length }) => {
          const size = 2 ** (32 - length);
          return Array.from({ length: size }, (_, index) => Math.floor(host / size) * size + index);
        }),
      );
      const { v4 } = mergeRanges(prefixes.map(({ host, length }) => `192.0.2.${host}/${length}`));
      const ranges = v4.map((range) => range.split("-").map((address) => Number(address.split(".")[3])));
      const held = ranges.flatMap(([first = 0, last = first]) =>
        Array.from({ length: last - first + 1 }, (_, index) => first + index),
      );
      expect(held).toEqual([...wanted].sort((one, other) => one - other));
      for (const [index, [first = 0]] of ranges.slice(1).entries()) {
        expect(first).toBeGreaterThan((ranges[index]?.at(-1) ?? 0) + 1);
      }
    }),
  );
});
