/** Metrics of one number, or of one for each value of an attribute. */
import type { Metric, NumberPoint } from "./metric.ts";

type NumberMetric = Extract<Metric, { kind: "counter" | "gauge" }>;

export function counter(name: string, description: string, value: number): NumberMetric {
  return { name, description, unit: "", kind: "counter", whole: true, points: [{ value }] };
}

export function gauge(name: string, description: string, value: number): NumberMetric {
  return { name, description, unit: "{element}", kind: "gauge", whole: true, points: [{ value }] };
}

/** A gauge of 1 and 0 with one series for each value of an attribute. */
export function gaugeBy(
  name: string,
  description: string,
  attribute: string,
  states: readonly (readonly [string, boolean])[],
): NumberMetric {
  const points = states.map(([key, isOn]): NumberPoint => ({
    attributes: { [attribute]: key },
    value: Number(isOn),
  }));
  return { ...gauge(name, description, 0), points };
}

/** A counter with one series for each value of an attribute. */
export function counterBy(
  name: string,
  description: string,
  attribute: string,
  values: Readonly<Record<string, number>>,
): NumberMetric {
  const points = Object.entries(values).map(([key, value]): NumberPoint => ({
    attributes: { [attribute]: key },
    value,
  }));
  return { name, description, unit: "", kind: "counter", whole: true, points };
}
