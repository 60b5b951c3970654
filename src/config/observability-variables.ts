import * as z from "zod/mini";
import { readAttributes } from "./lenient-readers.ts";
import { httpUrl, integer, word } from "./readers.ts";
import { lenient, orNone, withDefault } from "./variable.ts";

/** Where denials and metrics are sent, and what goes with them. */
export const OBSERVABILITY_VARIABLES = {
  lookupLinesPerSecond: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_LOOKUP_LINES_PER_SECOND",
      default: "0",
      meaning:
        "bound for log lines of each kind of lookups: denied, withheld, allowed, failed; past it they are counted by name; 0: each is a line",
      accepts: "a whole number from 0 to 1000000",
    },
    integer(0, 1_000_000),
  ),
  decisionsKept: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_DECISIONS_KEPT",
      default: "4096",
      meaning: "how many of the last decisions GET /decisions can tell of",
      accepts: "a whole number from 64 to 65536",
    },
    integer(64, 65_536),
  ),
  denyWebhook: orNone(
    {
      name: "OPENSANDBOX_EGRESS_DENY_WEBHOOK",
      meaning: "URL that gets a POST for each denied lookup",
      accepts: "an http or https URL",
      secret: true,
    },
    httpUrl(),
  ),
  sandboxId: orNone(
    {
      name: "OPENSANDBOX_EGRESS_SANDBOX_ID",
      meaning: "the sandbox's id on logs, metrics and webhook calls",
      accepts: "text",
    },
    z.string(),
  ),
  extraAttributes: lenient<Readonly<Record<string, string>>>(
    {
      name: "OPENSANDBOX_EGRESS_METRICS_EXTRA_ATTRS",
      meaning: "further attributes on metrics and logs",
      accepts: "k=v,k2=v2",
    },
    {},
    readAttributes,
  ),
  otlpEndpoint: orNone(
    {
      name: "OTEL_EXPORTER_OTLP_ENDPOINT",
      default: "off",
      meaning: "OTLP/HTTP collector; metrics go to its /v1/metrics",
      accepts: "an http or https URL",
      secret: true,
    },
    httpUrl(),
  ),
  otlpMetricsEndpoint: orNone(
    {
      name: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
      default: "off",
      meaning: "OTLP/HTTP URL of metrics alone, used as it stands; wins over the one above",
      accepts: "an http or https URL",
      secret: true,
    },
    httpUrl(),
  ),
  otlpTemporality: withDefault(
    {
      name: "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
      default: "cumulative",
      meaning: "whether pushed counts are those since the start, or since the last push that was taken",
      accepts: "cumulative, delta, or lowmemory, which is delta",
    },
    word(["cumulative", "delta", "lowmemory"]),
  ),
  otlpIntervalMs: withDefault(
    {
      name: "OTEL_METRIC_EXPORT_INTERVAL",
      default: "60000",
      meaning: "milliseconds between two pushes of metrics",
      accepts: "a whole number from 1000 to 3600000",
    },
    integer(1000, 3_600_000),
  ),
};
