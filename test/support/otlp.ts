/** Takes an OTLP export request apart, with protobufjs and the field numbers of opentelemetry-proto v1. */
import protobuf from "protobufjs";
import { z } from "zod";

const field = (type: string, id: number): { type: string; id: number } => ({ type, id });
const list = (type: string, id: number): { type: string; id: number; rule: "repeated" } => ({
  type,
  id,
  rule: "repeated",
});

const schema = protobuf.Root.fromJSON({
  nested: {
    Request: { fields: { resourceMetrics: list("ResourceMetrics", 1) } },
    ResourceMetrics: { fields: { resource: field("Resource", 1), scopeMetrics: list("ScopeMetrics", 2) } },
    Resource: { fields: { attributes: list("KeyValue", 1) } },
    ScopeMetrics: { fields: { scope: field("Scope", 1), metrics: list("Metric", 2) } },
    Scope: { fields: { name: field("string", 1), version: field("string", 2) } },
    Metric: {
      fields: {
        name: field("string", 1),
        description: field("string", 2),
        unit: field("string", 3),
        gauge: field("Numbers", 5),
        sum: field("Numbers", 7),
        histogram: field("Histogram", 9),
      },
    },
    Numbers: {
      fields: {
        dataPoints: list("NumberPoint", 1),
        aggregationTemporality: field("int32", 2),
        isMonotonic: field("bool", 3),
      },
    },
    NumberPoint: {
      fields: {
        startTimeUnixNano: field("fixed64", 2),
        timeUnixNano: field("fixed64", 3),
        asDouble: field("double", 4),
        asInt: field("sfixed64", 6),
        attributes: list("KeyValue", 7),
      },
    },
    Histogram: {
      fields: { dataPoints: list("HistogramPoint", 1), aggregationTemporality: field("int32", 2) },
    },
    HistogramPoint: {
      fields: {
        count: field("fixed64", 4),
        sum: field("double", 5),
        bucketCounts: list("fixed64", 6),
        explicitBounds: list("double", 7),
        attributes: list("KeyValue", 9),
      },
    },
    KeyValue: { fields: { key: field("string", 1), value: field("AnyValue", 2) } },
    AnyValue: { fields: { stringValue: field("string", 1) } },
  },
});

const attributesShape = z
  .array(z.object({ key: z.string(), value: z.object({ stringValue: z.string() }) }))
  .default([])
  .transform((pairs) => Object.fromEntries(pairs.map(({ key, value }) => [key, value.stringValue])));
const numbersShape = z.object({
  dataPoints: z.array(
    z.object({
      asInt: z.number().optional(),
      asDouble: z.number().optional(),
      startTimeUnixNano: z.number(),
      timeUnixNano: z.number(),
      attributes: attributesShape,
    }),
  ),
  aggregationTemporality: z.number().optional(),
  isMonotonic: z.boolean().optional(),
});
const metricShape = z.object({
  name: z.string(),
  description: z.string(),
  unit: z.string().optional(),
  gauge: numbersShape.optional(),
  sum: numbersShape.optional(),
  histogram: z
    .object({
      dataPoints: z.array(
        z.object({
          // protobufjs leaves out what is 0.
          count: z.number().default(0),
          sum: z.number().default(0),
          bucketCounts: z.array(z.number()),
          explicitBounds: z.array(z.number()),
          attributes: attributesShape,
        }),
      ),
    })
    .optional(),
});
const requestShape = z.object({
  resourceMetrics: z
    .array(
      z.object({
        resource: z.object({ attributes: attributesShape }),
        scopeMetrics: z
          .array(
            z.object({
              scope: z.object({ name: z.string(), version: z.string() }),
              metrics: z.array(metricShape),
            }),
          )
          .length(1),
      }),
    )
    .length(1),
});
type OtlpMetric = z.infer<typeof metricShape>;

export interface OtlpRequest {
  readonly resource: Readonly<Record<string, string>>;
  readonly scope: { readonly name: string; readonly version: string };
  readonly metrics: ReadonlyMap<string, OtlpMetric>;
}

/** Throws on octets that are no such request. */
export function decodeOtlpMetrics(octets: Buffer): OtlpRequest {
  const type = schema.lookupType("Request");
  const { resourceMetrics } = requestShape.parse(
    type.toObject(type.decode(octets), { longs: Number, arrays: false }),
  );
  const [first] = resourceMetrics;
  const [scoped] = first?.scopeMetrics ?? [];
  if (first === undefined || scoped === undefined) throw new Error("an empty request");
  return {
    resource: first.resource.attributes,
    scope: scoped.scope,
    metrics: new Map(scoped.metrics.map((metric) => [metric.name, metric])),
  };
}
