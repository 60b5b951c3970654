import { expect, test } from "vitest";
import { flowBoundsFor } from "../../src/intercept/flow-bounds.ts";

const MIB = 1 << 20;

test.each([
  [256, { flows: 1344, unnamed: 336, octets: 84 * MIB, windowOctets: 28 * MIB }],
  [512, { flows: 2048, unnamed: 512, octets: 276 * MIB, windowOctets: 92 * MIB }],
  [128, { flows: 192, unnamed: 48, octets: 12 * MIB, windowOctets: 4 * MIB }],
])("a limit of %d MiB leaves the sidecar its own part, and flows a part of the rest", (limit, bounds) => {
  expect(flowBoundsFor(limit * MIB)).toMatchObject(bounds);
});

test("no bound grows past those of a sidecar without a limit, and none shrinks with more memory", () => {
  const without = flowBoundsFor(undefined);
  expect(flowBoundsFor(64 * 1024 * MIB)).toEqual(without);
  let before = flowBoundsFor(16 * MIB);
  for (let limit = 32; limit <= 4096; limit += 16) {
    const bounds = flowBoundsFor(limit * MIB);
    expect(bounds.octets + bounds.windowOctets).toBeLessThan(limit * MIB);
    for (const key of ["flows", "unnamed", "octets", "windowOctets"] as const) {
      expect(bounds[key]).toBeGreaterThanOrEqual(before[key]);
      expect(bounds[key]).toBeLessThanOrEqual(without[key]);
    }
    before = bounds;
  }
});
