/**
 * What the running sidecar tells of itself: metrics when asked, metrics pushed, log lines; each against real
 * receivers.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { createBreakableNft } from "../support/breakable-nft.ts";
import { INTERNET_V4, SANDBOX_V4 } from "../support/lab.ts";
import { promised } from "../support/limits.ts";
import { decodeOtlpMetrics, type OtlpRequest } from "../support/otlp.ts";
import { probe } from "../support/probe.ts";
import { type ReceivedRequest, type Receiver, startReceiver } from "../support/receiver.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const POLICY = { defaultAction: "deny", egress: [{ action: "allow", target: "*.example.org" }] };
const DENY_ALL = { defaultAction: "deny", egress: [] };
const PORT = 4318;
const COLLECTOR = { IPv4: "198.51.100.43", IPv6: "2001:db8:100::43" } as const;
/** Answers with an ICMP error: nobody listens there. */
const CLOSED = "203.0.113.99";

const lab = useLab({
  upstream: { ttlSeconds: 60 },
  zone: { "collector.example.net": { addresses: [COLLECTOR.IPv4, COLLECTOR.IPv6] } },
});
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver(lab.internet, { port: PORT });
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
});

function start(policy: unknown, env: Record<string, string | undefined> = {}): Promise<Sidecar> {
  return lab.startSidecar({
    policy,
    env: {
      OPENSANDBOX_EGRESS_POLICY_FILE: undefined,
      OPENSANDBOX_EGRESS_SANDBOX_ID: "sbx-8",
      OPENSANDBOX_EGRESS_METRICS_EXTRA_ATTRS: "team=blue",
      ...env,
    },
  });
}

/** Reads the value of a series, named with labels of its own beyond the shared ones. */
async function seriesOf(sidecar: Sidecar): Promise<(name: string, label?: string) => number | undefined> {
  const { text } = await sidecar.api("GET", "/metrics");
  return (name, label) => {
    const labels = ['sandbox_id="sbx-8"', 'team="blue"', ...(label === undefined ? [] : [label])];
    const series = `${name}{${labels.toSorted().join(",")}} `;
    const line = text.split("\n").find((one) => one.startsWith(series));
    return line === undefined ? undefined : Number(line.slice(series.length));
  };
}

describe("GET /metrics", () => {
  test("counts what was denied, answered, learned and put into the kernel", async () => {
    await using sidecar = await start(POLICY);
    const before = await seriesOf(sidecar);
    expect(before("egress_policy_denied_total")).toBe(0);
    for (const name of ["a.example.com", "b.example.com"]) await lab.dig(name, "A");
    await lab.dig("one.example.org", "A");
    await lab.dig("one.example.org", "A");
    await lab.dig("+tcp", "two.example.org", "A");
    const after = await seriesOf(sidecar);
    expect(after("egress_policy_denied_total")).toBe(2);
    expect(after("egress_dns_answers_total", 'source="upstream"')).toBe(2);
    expect(after("egress_dns_answers_total", 'source="cache"')).toBe(1);
    const grown = (name: string, label?: string): number =>
      (after(name, label) ?? 0) - (before(name, label) ?? 0);
    // Health has looked at the resolver meanwhile, and is in none of these.
    expect(after("egress_dns_queries_total", 'transport="udp"')).toBe(4);
    expect(after("egress_dns_queries_total", 'transport="tcp"')).toBe(1);
    expect(after("egress_dns_refused_total")).toBe(0);
    expect(after("egress_health")).toBe(1);
    expect(after("egress_upstream_up", `upstream="${INTERNET_V4}:53"`)).toBe(1);
    expect(after("egress_protection_on", 'protection="connections"')).toBe(1);
    expect(after("egress_dns_query_duration_seconds_count")).toBe(2);
    const seconds = after("egress_dns_query_duration_seconds_sum") ?? 0;
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(promised(2));
    expect(after("egress_nftables_learned")).toBe(2);
    expect(after("egress_nftables_rules")).toBe(1);
    expect(grown("egress_nftables_updates_total")).toBe(2);
    expect(after("egress_system_memory_usage_bytes")).toBeGreaterThan(1 << 20);
    expect(after("egress_system_cpu_utilization_ratio")).toBeLessThanOrEqual(1);
    expect(after("egress_process_memory_usage_bytes")).toBeGreaterThan(1 << 20);
    await sidecar.api("PATCH", "/policy", { body: [{ action: "deny", target: "two.example.org" }] });
    const changed = await seriesOf(sidecar);
    expect(changed("egress_nftables_rules")).toBe(2);
    expect(changed("egress_nftables_learned")).toBe(1);
  });

  test("tells apart who failed: the upstream, or the kernel", async () => {
    const nft = await createBreakableNft(lab.stateFolder);
    await using sidecar = await start(POLICY, {
      PATH: nft.path,
      OPENSANDBOX_EGRESS_DNS_UPSTREAM: INTERNET_V4,
      OPENSANDBOX_EGRESS_DNS_UPSTREAM_TIMEOUT: "1",
    });
    // Else the sidecar would put back what goes now.
    await nft.refuse();
    const tables = ["inet opensandbox", "netdev opensandbox_guard"];
    const removal = tables.map((table) => `delete table ${table}`).join("; ");
    expect(await execIn(lab.sandbox, ["nft", removal])).toMatchObject({ exitCode: 0 });
    const answer = await lab.dig("@127.0.0.1", "-p", "15353", "three.example.org", "A");
    expect(answer).toMatchObject({ rcode: "SERVFAIL", addresses: [] });
    const series = await seriesOf(sidecar);
    expect(series("egress_dns_query_failed_total", 'reason="kernel"')).toBeGreaterThanOrEqual(1);
    expect(series("egress_nftables_updates_failed_total", 'operation="dynamic_add"')).toBeGreaterThanOrEqual(
      1,
    );
    expect(series("egress_dns_query_failed_total", 'reason="upstream_error"')).toBe(0);
    expect(series("egress_policy_denied_total")).toBe(0);
  });

  test("counts lookups that no upstream answers", async () => {
    await using sidecar = await start(POLICY, {
      OPENSANDBOX_EGRESS_DNS_UPSTREAM: CLOSED,
      OPENSANDBOX_EGRESS_DNS_UPSTREAM_TIMEOUT: "1",
    });
    await lab.dig("+time=4", "one.example.org", "A");
    const series = await seriesOf(sidecar);
    expect(series("egress_dns_query_failed_total", 'reason="upstream_error"')).toBe(1);
    expect(series("egress_dns_query_failed_total", 'reason="kernel"')).toBe(0);
    const failure = await until("the lookup is in the log", () =>
      sidecar.logs().find((line) => line["target.host"] === "one.example.org"),
    );
    expect(failure).toMatchObject({
      "opensandbox.event": "egress.outbound",
      error: "no upstream gave an answer in time",
    });
  });

  test("asks for the token, as reading the policy does", async () => {
    await using sidecar = await start(POLICY);
    const url = `http://${SANDBOX_V4}:18080/metrics`;
    expect(await lab.curl(url)).toMatchObject({ status: 401, body: expect.stringMatching(/^unauthorized/) });
    expect(await lab.curlFromOutside(url)).toMatchObject({ status: 401 });
    const header = `OPENSANDBOX-EGRESS-AUTH: ${sidecar.token}`;
    expect(await lab.curlFromOutside("-H", header, url)).toMatchObject({
      status: 200,
      body: expect.stringContaining("# TYPE egress_dns_query_duration_seconds histogram\n"),
    });
    const posted = await sidecar.api("POST", "/metrics");
    expect(posted).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" } });
    const { headers } = await sidecar.api("GET", "/metrics");
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  });
});

/** Requests at the path so far. */
const pushed = (path: string): readonly ReceivedRequest[] =>
  receiver.requests().filter((one) => one.path === path);

async function lastPush(path: string, count = 1): Promise<OtlpRequest> {
  await until(`${count} pushes at ${path}`, () => pushed(path).length >= count);
  return decodeOtlpMetrics(pushed(path).at(-1)?.body ?? Buffer.alloc(0));
}

describe("OTLP", () => {
  describe.each(FAMILIES)("over $name", (family) => {
    test("metrics arrive under deny-all, and the workload cannot go there", async (context) => {
      skipWithoutFamily(context, lab, family);
      const address = COLLECTOR[family.name];
      const host = address.includes(":") ? `[${address}]` : address;
      const path = `/${family.name}/v1/metrics`;
      await using _sidecar = await start(DENY_ALL, {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://${host}:${PORT}/${family.name}`,
        OTEL_METRIC_EXPORT_INTERVAL: "1000",
      });
      await lab.dig("secret.example.com", family.qtype);
      // The first one from now on may be of a moment before.
      const { resource, scope, metrics } = await lastPush(path, pushed(path).length + 2);
      expect(pushed(path)[0]?.headers["content-type"]).toBe("application/x-protobuf");
      expect(resource).toMatchObject({ "service.name": "opensandbox-egress" });
      expect(scope.name).toBe("opensandbox/egress");
      const shared = { sandbox_id: "sbx-8", team: "blue" };
      expect(metrics.get("egress.policy.denied_total")).toMatchObject({
        sum: { isMonotonic: true, aggregationTemporality: 2, dataPoints: [{ asInt: 1, attributes: shared }] },
      });
      expect(metrics.get("egress.dns.query.duration")).toMatchObject({
        unit: "s",
        histogram: { dataPoints: [{ attributes: shared }] },
      });
      expect([...metrics.keys()]).toEqual(
        expect.arrayContaining([
          "egress.nftables.updates.count",
          "egress.nftables.rules.count",
          "egress.system.memory.usage_bytes",
          "egress.system.cpu.utilization",
          "egress.dns.query.failed_total",
        ]),
      );
      const { result } = await probe(lab, "tcp", address, String(PORT));
      expect(result).not.toBe("connected");
    });
  });

  test("a collector with a name is found past the policy, and hears the last numbers at the end", async () => {
    await using sidecar = await start(DENY_ALL, {
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `http://collector.example.net:${PORT}/at-the-end`,
    });
    for (const name of ["a", "b", "c"]) await lab.dig(`${name}.example.com`, "A");
    expect(pushed("/at-the-end")).toEqual([]);
    expect(await sidecar.kill("SIGTERM")).toMatchObject({ exitCode: 0 });
    const { metrics } = await lastPush("/at-the-end");
    expect(metrics.get("egress.policy.denied_total")?.sum?.dataPoints[0]?.asInt).toBe(3);
    expect(pushed("/at-the-end")).toHaveLength(1);
  });

  test("a collector that is not there is told of once, and holds up neither lookups nor the end", async () => {
    await using sidecar = await start(POLICY, {
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://192.0.2.77:4318/silent",
      OTEL_METRIC_EXPORT_INTERVAL: "1000",
    });
    const complaints = (): readonly unknown[] =>
      sidecar.logs().filter((line) => line["msg"] === "metrics could not be pushed");
    await until("the log tells of it", () => complaints().length > 0);
    expect(await lab.dig("one.example.org", "A")).toMatchObject({ addresses: ["198.51.100.1"] });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const stoppedAt = performance.now();
    expect(await sidecar.kill("SIGTERM")).toMatchObject({ exitCode: 0 });
    expect(performance.now() - stoppedAt).toBeLessThan(promised(4000));
    expect(complaints()).toHaveLength(1);
  });
});

describe("the log", () => {
  test("has the contract's events, each with the sandbox's id and the extra attributes", async () => {
    await using sidecar = await start(POLICY);
    await lab.dig("one.example.org", "A");
    await lab.dig("secret.example.com", "A");
    const rules = [{ action: "allow", target: "new.example.org" }];
    await sidecar.api("PATCH", "/policy", { body: rules });
    const events = await until("all are written", () => {
      const found = sidecar.logs().filter((line) => line["opensandbox.event"] !== undefined);
      return found.length >= 5 && found;
    });
    const common = { sandbox_id: "sbx-8", team: "blue", time: expect.stringMatching(/Z$/) };
    expect(events).toMatchObject([
      { ...common, "opensandbox.event": "egress.loaded", "egress.default": "deny", rules: POLICY.egress },
      { ...common, "opensandbox.event": "egress.ready" },
      {
        ...common,
        "opensandbox.event": "egress.outbound",
        "target.host": "one.example.org",
        "target.ips": ["198.51.100.1"],
      },
      { ...common, "opensandbox.event": "egress.denied", "target.host": "secret.example.com", level: "warn" },
      { ...common, "opensandbox.event": "egress.updated", rules },
    ]);
  });

  test("has denials also where only errors are wanted", async () => {
    await using sidecar = await start(POLICY, { OPENSANDBOX_EGRESS_LOG_LEVEL: "error" });
    await lab.dig("one.example.org", "A");
    await lab.dig("secret.example.com", "A");
    const lines = await until("the denial is written", () => {
      const found = sidecar.logs();
      return found.length > 0 && found;
    });
    expect(lines).toMatchObject([
      { "opensandbox.event": "egress.denied", "target.host": "secret.example.com" },
    ]);
  });
});
