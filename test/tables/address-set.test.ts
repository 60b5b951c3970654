import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createAddressSet } from "../../src/tables/address-set.ts";

const anyAddress = fc
  .constantFrom(4, 16)
  .chain((length) => fc.uint8Array({ minLength: length, maxLength: length, max: 2 }));
const anySeed = fc.nat({ max: 2 ** 32 - 1 });
const textOf = (octets: Uint8Array): string => octets.join(".");

test("an address set has what it was given, wherever the octets stand, and nothing else", () => {
  fc.assert(
    fc.property(
      fc.array(anyAddress, { maxLength: 20 }),
      anyAddress,
      fc.nat(9),
      anySeed,
      (given, other, before, seed) => {
        const set = createAddressSet(given, seed);
        const model = new Map(given.map((octets) => [textOf(octets), octets]));
        for (const octets of [...given, other]) {
          const within = Uint8Array.from([...new Uint8Array(before), ...octets, 7]);
          expect(set.has(within, before, octets.length)).toBe(model.has(textOf(octets)));
        }
        expect(set.list().map(textOf)).toEqual([...model.keys()]);
      },
    ),
  );
});
