import { expect, test } from "vitest";
import { createLearnedAddresses } from "../../src/learned/learned-addresses.ts";
import { createWithheldAddresses } from "../../src/learned/withheld.ts";
import { createFakeLearnedSet } from "../support/fake-learned-set.ts";

function create(capacity?: number) {
  return createLearnedAddresses({
    set: createFakeLearnedSet(() => 0),
    ...(capacity === undefined ? {} : { capacity }),
    graceSeconds: 600,
    withheld: createWithheldAddresses([], () => 1),
    wildcardOf: () => undefined,
    nowMs: () => 0,
    drawSeed: () => 1,
    onRefused: (error) => {
      throw error;
    },
  });
}

function reservedOctets(capacity?: number): number {
  const before = process.memoryUsage().arrayBuffers;
  const made = create(capacity);
  const after = process.memoryUsage().arrayBuffers;
  expect(made.size()).toBe(0);
  return after - before;
}

test("memory is reserved by the capacity, some 340 octets an address", () => {
  expect(reservedOctets(1024)).toBeLessThan(1024 * 360);
  expect(reservedOctets()).toBeLessThan(40 << 20);
});
