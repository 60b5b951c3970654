import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createHistogram } from "../../src/metrics/histogram.ts";

test("a value on a bound is in that bound's bucket, one above all bounds in the last", () => {
  const histogram = createHistogram([1, 2]);
  for (const value of [0, 1, 1.5, 2, 2.1, 100]) histogram.record(value);
  expect(histogram.read()).toEqual({ count: 6, sum: 106.6, bounds: [1, 2], buckets: [2, 2, 2] });
});

test("each bucket counts what a plain filter counts", () => {
  const bounds = [0.001, 0.01, 0.1, 1];
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 2, noNaN: true })), (values) => {
      const histogram = createHistogram(bounds);
      for (const value of values) histogram.record(value);
      const expected = [...bounds, Infinity].map(
        (bound, index) =>
          values.filter((value) => value <= bound && value > (bounds[index - 1] ?? -1)).length,
      );
      expect(histogram.read().buckets).toEqual(expected);
    }),
  );
});
