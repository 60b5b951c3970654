import { expect, test } from "vitest";
import { drawBelow, drawFrom, drawHex, drawSeed, fillRandom } from "../../src/sys/random.ts";

/** Of 2,000 draws each of so few values is missing less often than once in 10^80 runs. */
const DRAWS = 2000;
const draws = <T>(draw: () => T): readonly T[] => Array.from({ length: DRAWS }, draw);

test("numbers below a limit are all of those", () => {
  expect(new Set(draws(() => drawBelow(7)))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
  expect(new Set(draws(() => drawBelow(1)))).toEqual(new Set([0]));
  expect(new Set(draws(() => drawFrom(3, 6)))).toEqual(new Set([3, 4, 5]));
});

test("seeds have 32 bits, and each is set now and then", () => {
  const seeds = draws(drawSeed);
  expect(seeds.reduce((all, seed) => (all | seed) >>> 0, 0)).toBe(0xffff_ffff);
  expect(seeds.reduce((all, seed) => (all & seed) >>> 0, 0xffff_ffff)).toBe(0);
});

test.each([1, 6, 256, 257, 8192, 20_000])("all of %i octets are drawn", (length) => {
  const all = new Uint8Array(length);
  for (let round = 0; round < 40; round++) {
    const drawn = new Uint8Array(length);
    fillRandom(drawn);
    drawn.forEach((octet, at) => (all[at] = (all[at] ?? 0) | octet));
  }
  expect(all.every((octet) => octet !== 0)).toBe(true);
});

test("digits are two for each octet, and never the same again", () => {
  expect(drawHex(24)).toMatch(/^[0-9a-f]{48}$/);
  expect(new Set(draws(() => drawHex(16))).size).toBe(DRAWS);
});
