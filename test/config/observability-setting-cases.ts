import type { SettingCase } from "./setting-case.ts";

/** Texts of the variables that say what is told to whom. */
export const OBSERVABILITY_CASES: readonly SettingCase[] = [
  {
    name: "OPENSANDBOX_EGRESS_LOOKUP_LINES_PER_SECOND",
    accepted: [
      ["500", { lookupLinesPerSecond: 500 }],
      ["50", { lookupLinesPerSecond: 50 }],
    ],
    refused: ["-1", "1000001", "none"],
  },
  {
    name: "OPENSANDBOX_EGRESS_DECISIONS_KEPT",
    accepted: [
      ["64", { decisionsKept: 64 }],
      ["65536", { decisionsKept: 65_536 }],
    ],
    refused: ["0", "63", "65537", "all"],
  },
  {
    name: "OPENSANDBOX_EGRESS_DENY_WEBHOOK",
    accepted: [["https://hooks.example.org/x", { denyWebhook: "https://hooks.example.org/x" }]],
    refused: ["hooks.example.org", "ftp://example.org/"],
  },
  {
    name: "OPENSANDBOX_EGRESS_METRICS_EXTRA_ATTRS",
    accepted: [
      ["team=a b, tier=x=y,empty=", { extraAttributes: { team: "a b", tier: "x=y", empty: "" } }],
      ["a=b,,c=d,", { extraAttributes: { a: "b", c: "d" } }],
    ],
    warned: [
      ["a=b,,c", { extraAttributes: { a: "b" } }],
      ["a=1,a=2", { extraAttributes: { a: "2" } }],
      ["k8s.pod/name=x,a=b", { extraAttributes: { a: "b" } }],
      ["a b=c", { extraAttributes: {} }],
      ["=x", { extraAttributes: {} }],
      ["opensandbox.event=x,a=b", { extraAttributes: { a: "b" } }],
      ["msg=x", { extraAttributes: {} }],
    ],
    refused: [],
  },
  {
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    accepted: [
      [
        "http://collector.example.org:4318",
        { otlpMetricsUrl: "http://collector.example.org:4318/v1/metrics" },
      ],
      ["", { otlpMetricsUrl: undefined }],
    ],
    refused: ["collector:4318", "grpc://x"],
  },
  {
    name: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    accepted: [["http://c.example.org/m", { otlpMetricsUrl: "http://c.example.org/m" }]],
    refused: ["x"],
  },
  {
    name: "OTEL_METRIC_EXPORT_INTERVAL",
    accepted: [
      ["", { otlpIntervalMs: 60_000 }],
      ["5000", { otlpIntervalMs: 5000 }],
    ],
    refused: ["999", "60s", "3600001"],
  },
  { name: "OPENSANDBOX_EGRESS_SANDBOX_ID", accepted: [["sbx-1", { sandboxId: "sbx-1" }]], refused: [] },
  {
    name: "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    accepted: [
      ["Delta", { otlpTemporality: "delta" }],
      ["LOWMEMORY", { otlpTemporality: "lowmemory" }],
      ["", { otlpTemporality: "cumulative" }],
    ],
    refused: ["sum"],
  },
];
