import { describe, expect, test } from "vitest";
import { readMetrics } from "../../src/metrics/egress-metrics.ts";
import type { Metric } from "../../src/metrics/metric.ts";
import { prometheusName, renderPrometheus } from "../../src/metrics/prometheus.ts";
import { SOURCES } from "./sources.ts";

test("each metric has its help, its type, and its series", () => {
  expect(renderPrometheus(readMetrics(SOURCES), { sandbox_id: "sbx-1" }).split("\n").slice(0, 12)).toEqual([
    "# HELP egress_dns_query_duration_seconds Time from asking the upstreams to the end of the lookup",
    "# TYPE egress_dns_query_duration_seconds histogram",
    'egress_dns_query_duration_seconds_bucket{sandbox_id="sbx-1",le="0.1"} 1',
    'egress_dns_query_duration_seconds_bucket{sandbox_id="sbx-1",le="0.5"} 2',
    'egress_dns_query_duration_seconds_bucket{sandbox_id="sbx-1",le="+Inf"} 3',
    'egress_dns_query_duration_seconds_sum{sandbox_id="sbx-1"} 0.75',
    'egress_dns_query_duration_seconds_count{sandbox_id="sbx-1"} 3',
    "# HELP egress_policy_denied_total Lookups that the policy denied",
    "# TYPE egress_policy_denied_total counter",
    'egress_policy_denied_total{sandbox_id="sbx-1"} 5',
    "# HELP egress_dns_query_failed_total Allowed lookups that got no answer",
    "# TYPE egress_dns_query_failed_total counter",
  ]);
});

test.each([
  { name: "egress.dns.query.duration", is: "egress_dns_query_duration_seconds" },
  { name: "egress.policy.denied_total", is: "egress_policy_denied_total" },
  { name: "egress.nftables.updates.count", is: "egress_nftables_updates_total" },
  { name: "egress.nftables.rules.count", is: "egress_nftables_rules" },
  { name: "egress.system.memory.usage_bytes", is: "egress_system_memory_usage_bytes" },
  { name: "egress.system.cpu.utilization", is: "egress_system_cpu_utilization_ratio" },
])("$name is $is in Prometheus", ({ name, is }) => {
  const metric = readMetrics(SOURCES).find((one) => one.name === name);
  expect(metric && prometheusName(metric)).toBe(is);
});

test("failures of upstreams, of the kernel, overloads and bounds are told apart, and from denials", () => {
  const lines = renderPrometheus(readMetrics(SOURCES), {}).split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      "egress_policy_denied_total 5",
      'egress_dns_query_failed_total{reason="upstream_error"} 4',
      'egress_dns_query_failed_total{reason="rcode"} 27',
      'egress_dns_query_failed_total{reason="kernel"} 6',
      'egress_dns_query_failed_total{reason="overload"} 8',
      'egress_dns_query_failed_total{reason="limited"} 10',
      'egress_nftables_updates_failed_total{operation="static_apply"} 1',
      'egress_nftables_updates_failed_total{operation="dynamic_add"} 3',
      "egress_nftables_updates_total 42",
      "egress_nftables_repairs_total 20",
      "egress_nftables_rules 14",
      "egress_nftables_learned 15",
      "egress_sockets_ended_total 21",
      "egress_nftables_learned_renewals_total 22",
      'egress_nftables_learned_evictions_total{bound="name"} 23',
      'egress_nftables_learned_evictions_total{bound="wildcard"} 24',
      'egress_nftables_learned_evictions_total{bound="all"} 25',
      'egress_webhook_events_total{outcome="dropped"} 18',
    ]),
  );
});

test("health, each upstream and each protection is 1 or 0, and health is missing where nobody has looked", () => {
  const text = renderPrometheus(readMetrics(SOURCES), {});
  expect(text.match(/^egress_(?:health|upstream_up|protection_on).*$/gm)).toEqual([
    "egress_health 1",
    'egress_upstream_up{upstream="192.0.2.1:53"} 1',
    'egress_upstream_up{upstream="[2001:db8::1]:53"} 0',
    'egress_protection_on{protection="connections"} 1',
    'egress_protection_on{protection="raw-frames"} 0',
  ]);
  const unseen = { ...SOURCES, state: () => ({ ...SOURCES.state(), isHealthy: undefined }) };
  expect(renderPrometheus(readMetrics(unseen), {})).not.toContain("egress_health");
});

test("without a webhook nothing is told of one", () => {
  const text = renderPrometheus(readMetrics({ ...SOURCES, webhook: undefined }), {});
  expect(text).not.toContain("webhook");
});

describe("labels", () => {
  const metric: Metric = {
    name: "a",
    description: "two\nlines \\",
    unit: "",
    kind: "gauge",
    whole: true,
    points: [{ value: 1 }],
  };
  test.each([
    { attributes: {}, line: "a 1" },
    { attributes: { team: 'say "hi" \\ \n' }, line: String.raw`a{team="say \"hi\" \\ \n"} 1` },
    { attributes: { "k8s.pod": "x" }, line: 'a{k8s_pod="x"} 1' },
    { attributes: { "b.c": "2", b_c: "1" }, line: 'a{b_c="2;1"} 1' },
    { attributes: { le: "x", __name__: "y" }, line: 'a{exported___name__="y",exported_le="x"} 1' },
  ])("$attributes", ({ attributes, line }) => {
    const text = renderPrometheus([metric], attributes);
    expect(text).toBe(`# HELP a two\\nlines \\\\\n# TYPE a gauge\n${line}\n`);
  });
});
