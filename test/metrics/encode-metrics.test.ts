/** Held to the official package: the same metrics, given to its serializer, are the same octets. */
import { ValueType } from "@opentelemetry/api";
import { ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AggregationTemporality, DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readMetrics } from "../../src/metrics/egress-metrics.ts";
import type { Attributes, Metric } from "../../src/metrics/metric.ts";
import { encodeMetrics, type MetricsOrigin } from "../../src/metrics/otlp/encode-metrics.ts";
import { since } from "../../src/metrics/otlp/delta.ts";
import { SOURCES } from "./sources.ts";

const START_MS = 1_795_000_000_123;
const NOW_MS = 1_795_000_060_456;

function toOfficial(metric: Metric, shared: Attributes, isDelta: boolean): MetricData {
  const { name, description, unit } = metric;
  const times = { startTime: hrTime(START_MS), endTime: hrTime(NOW_MS) };
  const whole = metric.kind !== "histogram" && metric.whole;
  const descriptor = { name, description, unit, valueType: whole ? ValueType.INT : ValueType.DOUBLE };
  const aggregationTemporality = isDelta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
  if (metric.kind === "histogram") {
    const { count, sum, bounds, buckets } = metric.point;
    const value = { count, sum, buckets: { boundaries: [...bounds], counts: [...buckets] } };
    return {
      descriptor,
      aggregationTemporality,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: [{ ...times, attributes: shared, value }],
    };
  }
  const dataPoints = metric.points.map(({ attributes, value }) => ({
    ...times,
    attributes: { ...shared, ...attributes },
    value,
  }));
  if (metric.kind === "gauge")
    return { descriptor, aggregationTemporality, dataPointType: DataPointType.GAUGE, dataPoints };
  return {
    descriptor,
    aggregationTemporality,
    dataPointType: DataPointType.SUM,
    isMonotonic: true,
    dataPoints,
  };
}

function hrTime(unixMs: number): [number, number] {
  return [Math.trunc(unixMs / 1000), (unixMs % 1000) * 1_000_000];
}

function encodeOfficially(metrics: readonly Metric[], origin: MetricsOrigin, isDelta = false): Buffer {
  const octets = ProtobufMetricsSerializer.serializeRequest({
    resource: resourceFromAttributes(origin.resource),
    scopeMetrics: [
      { scope: origin.scope, metrics: metrics.map((metric) => toOfficial(metric, origin.shared, isDelta)) },
    ],
  });
  return Buffer.from(octets ?? []);
}

const ORIGIN: MetricsOrigin = {
  resource: { "service.name": "opensandbox-egress", "service.version": "1.2.3" },
  scope: { name: "opensandbox/egress", version: "1.2.3" },
  shared: { sandbox_id: "sbx-1", team: "Zürich" },
};

test("all our metrics are what the official serializer makes of them, octet for octet", () => {
  const metrics = readMetrics(SOURCES);
  const encoded = encodeMetrics(metrics, ORIGIN, { startMs: START_MS, nowMs: NOW_MS, isDelta: false });
  expect(encoded.equals(encodeOfficially(metrics, ORIGIN))).toBe(true);
});

test("so are what has been added since", () => {
  const metrics = since(readMetrics(SOURCES), readMetrics(SOURCES));
  const encoded = encodeMetrics(metrics, ORIGIN, { startMs: START_MS, nowMs: NOW_MS, isDelta: true });
  expect(encoded.equals(encodeOfficially(metrics, ORIGIN, true))).toBe(true);
});

test("so are any others", () => {
  const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
  const words = fc.record({
    name: fc.string({ minLength: 1 }),
    description: fc.string({ minLength: 1, maxLength: 400 }),
    unit: fc.constantFrom("", "s", "By", "{element}"),
  });
  const attributes = fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), fc.string());
  const number = fc
    .tuple(words, fc.array(fc.record({ attributes, value: count })))
    .map(([one, points]): Metric => ({ ...one, kind: "counter", whole: true, points }));
  const real = fc
    .tuple(words, fc.double())
    .map(([one, value]): Metric => ({ ...one, kind: "gauge", whole: false, points: [{ value }] }));
  const histogram = fc
    .tuple(words, fc.array(count, { minLength: 2 }), fc.double())
    .map(([one, buckets, sum]): Metric => ({
      ...one,
      kind: "histogram",
      point: { count: 7, sum, bounds: buckets.slice(1).map((_, index) => index / 10), buckets },
    }));
  fc.assert(
    fc.property(fc.array(fc.oneof(number, real, histogram)), attributes, (metrics, shared) => {
      const origin = { ...ORIGIN, shared };
      const encoded = encodeMetrics(metrics, origin, { startMs: START_MS, nowMs: NOW_MS, isDelta: false });
      expect(encoded.toString("hex")).toBe(encodeOfficially(metrics, origin).toString("hex"));
    }),
  );
});
