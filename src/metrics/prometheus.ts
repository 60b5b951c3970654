/**
 * Prometheus text (exposition format 0.0.4). Names follow the rules by which OpenTelemetry's metrics become
 * Prometheus's ("Prometheus and OpenMetrics Compatibility" of its specification): dots to underscores, the
 * unit behind the name unless it is there already, `_total` behind a counter. `.count` goes: Prometheus keeps
 * it for histograms.
 */
import type { Attributes, HistogramPoint, Metric } from "./metric.ts";

/** Units in Prometheus's words; annotations in braces have none. */
const UNITS: Readonly<Record<string, string>> = { s: "seconds", By: "bytes" };

/** All metrics, each with the shared attributes as labels. Ends with a line feed. */
export function renderPrometheus(metrics: readonly Metric[], shared: Attributes): string {
  return metrics.map((metric) => renderMetric(metric, shared)).join("");
}

function renderMetric(metric: Metric, shared: Attributes): string {
  const name = prometheusName(metric);
  const head = `# HELP ${name} ${escapeHelp(metric.description)}\n# TYPE ${name} ${metric.kind}\n`;
  if (metric.kind === "histogram") return head + renderHistogram(name, metric.point, shared);
  const lines = metric.points.map(
    ({ attributes, value }) =>
      `${name}${renderLabels({ ...shared, ...attributes })} ${renderNumber(value)}\n`,
  );
  return head + lines.join("");
}

/** `egress.dns.query.duration` in `s` is `egress_dns_query_duration_seconds`. */
export function prometheusName({ name, unit, kind }: Pick<Metric, "name" | "unit" | "kind">): string {
  const bare = name.replaceAll(/[^A-Za-z0-9_:]/g, "_").replace(/_(?:total|count)$/, "");
  const suffix = unit === "1" ? (kind === "gauge" ? "ratio" : undefined) : UNITS[unit];
  const whole = suffix === undefined || bare.endsWith(`_${suffix}`) ? bare : `${bare}_${suffix}`;
  return kind === "counter" ? `${whole}_total` : whole;
}

function renderHistogram(name: string, point: HistogramPoint, shared: Attributes): string {
  let below = 0;
  const lines = point.buckets.map((count, index) => {
    below += count;
    const le = renderNumber(point.bounds[index] ?? Infinity);
    return `${name}_bucket${renderLabels(shared, `le="${le}"`)} ${below}\n`;
  });
  const labels = renderLabels(shared);
  return `${lines.join("")}${name}_sum${labels} ${renderNumber(point.sum)}\n${name}_count${labels} ${point.count}\n`;
}

/**
 * Attributes whose names become the same label are joined by a semicolon, in the order of their own names.
 */
function renderLabels(attributes: Attributes, last?: string): string {
  const labels = new Map<string, string>();
  for (const [key, value] of Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const label = labelName(key);
    const before = labels.get(label);
    labels.set(label, before === undefined ? value : `${before};${value}`);
  }
  const pairs = Array.from(labels, ([label, value]) => `${label}="${escapeValue(value)}"`);
  const all = last === undefined ? pairs : [...pairs, last];
  return all.length === 0 ? "" : `{${all.join(",")}}`;
}

/** `le` is a histogram's own, and a name that begins with two underscores Prometheus's. */
function labelName(key: string): string {
  const label = key.replaceAll(/[^A-Za-z0-9_]/g, "_");
  if (label === "le" || label.startsWith("__")) return `exported_${label}`;
  return /^\d/.test(label) ? `key_${label}` : label;
}

function renderNumber(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
