import type { Metric } from "./metric.ts";

/**
 * The numbers of counters and gauges by name, each series by name and attribute:
 * `egress.dns.queries_total{transport=udp}`.
 */
export function listCounts(metrics: readonly Metric[]): Readonly<Record<string, number>> {
  const entries = metrics.flatMap((metric) => {
    if (metric.kind === "histogram") return [];
    return metric.points.map(({ attributes = {}, value }) => [
      `${metric.name}${renderAttributes(attributes)}`,
      value,
    ]);
  });
  return Object.fromEntries(entries);
}

function renderAttributes(attributes: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(attributes).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
