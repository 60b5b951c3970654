import type { HistogramPoint, Metric, NumberPoint } from "../metric.ts";

/**
 * What has been added to counters and histograms since `before`; gauges are as they are. A series that was
 * not there counts from 0.
 */
export function since(before: readonly Metric[], metrics: readonly Metric[]): readonly Metric[] {
  const earlier = new Map(before.map((metric) => [metric.name, metric]));
  return metrics.map((metric) => subtract(metric, earlier.get(metric.name)));
}

function subtract(metric: Metric, before: Metric | undefined): Metric {
  if (metric.kind === "histogram") {
    return before?.kind === "histogram"
      ? { ...metric, point: subtractPoint(metric.point, before.point) }
      : metric;
  }
  if (metric.kind === "gauge" || before?.kind !== "counter") return metric;
  return { ...metric, points: subtractPoints(metric.points, before.points) };
}

function subtractPoint(point: HistogramPoint, before: HistogramPoint): HistogramPoint {
  return {
    count: point.count - before.count,
    sum: point.sum - before.sum,
    bounds: point.bounds,
    buckets: point.buckets.map((count, index) => count - (before.buckets[index] ?? 0)),
  };
}

function subtractPoints(
  points: readonly NumberPoint[],
  before: readonly NumberPoint[],
): readonly NumberPoint[] {
  const earlier = new Map(before.map(({ attributes, value }) => [JSON.stringify(attributes), value]));
  return points.map((point) => ({
    ...point,
    value: point.value - (earlier.get(JSON.stringify(point.attributes)) ?? 0),
  }));
}
