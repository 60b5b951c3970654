import { expect, test } from "vitest";
import type { Metric } from "../../src/metrics/metric.ts";
import { since } from "../../src/metrics/otlp/delta.ts";

const words = { description: "", unit: "", whole: true };

function metricsOf(count: number): readonly Metric[] {
  return [
    {
      ...words,
      name: "counter",
      kind: "counter",
      points: [{ value: count }, { attributes: { by: "a" }, value: 10 * count }],
    },
    { ...words, name: "gauge", kind: "gauge", points: [{ value: count }] },
    {
      ...words,
      name: "histogram",
      kind: "histogram",
      point: { count, sum: count / 2, bounds: [1], buckets: [count, 0] },
    },
  ];
}

test("counters and histograms are what was added, each series by itself; gauges are as they are", () => {
  expect(since(metricsOf(3), metricsOf(7))).toEqual([
    { ...metricsOf(0)[0], points: [{ value: 4 }, { attributes: { by: "a" }, value: 40 }] },
    metricsOf(7)[1],
    { ...metricsOf(0)[2], point: { count: 4, sum: 2, bounds: [1], buckets: [4, 0] } },
  ]);
});

test("what was not there before counts from nothing", () => {
  expect(since([], metricsOf(7))).toEqual(metricsOf(7));
});
