/**
 * What the sidecar reports in numbers, in OpenTelemetry's words, fit for each way out: Prometheus text,
 * OTLP.
 */

/** Names and values; a name stands once. */
export type Attributes = Readonly<Record<string, string>>;

export interface NumberPoint {
  /** Beyond those that all metrics share. */
  readonly attributes?: Attributes;
  readonly value: number;
}

/**
 * Counts since the process began. Each bucket holds what is above the bound before it and not above its own;
 * the last one holds the rest.
 */
export interface HistogramPoint {
  readonly count: number;
  readonly sum: number;
  /** Ascending. */
  readonly bounds: readonly number[];
  /** One more than there are bounds. */
  readonly buckets: readonly number[];
}

interface MetricWords {
  /** With dots. */
  readonly name: string;
  readonly description: string;
  /** As UCUM writes it, such as `s`, `By`, `1`, `{element}`; empty for bare counts. */
  readonly unit: string;
}

/** `counter`: grows from the start of the process on. */
export type Metric =
  | (MetricWords & {
      readonly kind: "counter" | "gauge";
      /** Whether every value is a whole number. */
      readonly whole: boolean;
      readonly points: readonly NumberPoint[];
    })
  | (MetricWords & { readonly kind: "histogram"; readonly point: HistogramPoint });
