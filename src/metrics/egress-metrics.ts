/**
 * The sidecar's metrics: their names and units, and which figure of `metric-sources.ts` each is. No name
 * that a workload asks for, no address but the upstreams' and no text of an error is ever an attribute.
 */
import { machineMetrics } from "./machine-metrics.ts";
import { counter, counterBy, gauge, gaugeBy } from "./make-metric.ts";
import type { HistogramPoint, Metric } from "./metric.ts";
import type {
  ConnectionFigures,
  DecisionFigures,
  LookupFigures,
  MetricSources,
  NameFigures,
  ProxyFigures,
  StateFigures,
  WebhookFigures,
} from "./metric-sources.ts";

/**
 * Bounds of `egress.dns.query.duration` in seconds: the original's, some below its first, and no more than
 * the longest time limit.
 */
export const QUERY_DURATION_BOUNDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60,
  120,
];

export function readMetrics(sources: MetricSources): readonly Metric[] {
  return [...readOwnMetrics(sources), ...stateMetrics(sources.state()), ...machineMetrics(sources.machine)];
}

/**
 * Those of the sidecar's own work, without the machine's, some of which come as changes since the last
 * reading. What `/status` says in words is not here.
 */
export function readOwnMetrics(sources: Omit<MetricSources, "machine" | "state">): readonly Metric[] {
  return [
    ...lookupMetrics(sources.lookups(), sources.queryDuration()),
    ...kernelMetrics(sources),
    ...connectionMetrics(sources.connections()),
    ...(sources.names === undefined ? [] : nameMetrics(sources.names())),
    ...(sources.proxy === undefined ? [] : [proxyMetric(sources.proxy)]),
    ...(sources.requestsRefused === undefined ? [] : requestMetrics(sources.requestsRefused())),
    ...(sources.connectionsShed === undefined ? [] : [shedMetric(sources.connectionsShed())]),
    gauge(
      "egress.policy.audit",
      "1 in audit mode, in which the policy denies nothing",
      sources.isAudit() ? 1 : 0,
    ),
    decisionMetric(sources.decisions()),
    ...(sources.webhook === undefined ? [] : webhookMetrics(sources.webhook())),
  ];
}

function stateMetrics({ isHealthy, upstreams, protections }: StateFigures): readonly Metric[] {
  const health =
    isHealthy === undefined ? [] : [gauge("egress.health", "1 if /healthz is 200", Number(isHealthy))];
  return [
    ...health,
    gaugeBy(
      "egress.upstream.up",
      "1 if the upstream answers, as far as lookups and probes have shown",
      "upstream",
      upstreams.map(({ name, isAlive }) => [name, isAlive]),
    ),
    gaugeBy(
      "egress.protection.on",
      "1 if the protection is on",
      "protection",
      protections.map(({ name, isOn }) => [name, isOn]),
    ),
  ];
}

function lookupMetrics(lookups: LookupFigures, duration: HistogramPoint): readonly Metric[] {
  return [
    {
      name: "egress.dns.query.duration",
      description: "Time from asking the upstreams to the end of the lookup",
      unit: "s",
      kind: "histogram",
      point: duration,
    },
    counter("egress.policy.denied_total", "Lookups that the policy denied", lookups.denied),
    counterBy("egress.dns.query.failed_total", "Allowed lookups that got no answer", "reason", {
      upstream_error: lookups.upstreamFailures - lookups.rcodeFailures,
      rcode: lookups.rcodeFailures,
      kernel: lookups.kernelFailures,
      overload: lookups.overloads,
      limited: lookups.limited,
    }),
    counterBy("egress.dns.queries_total", "Queries that came in", "transport", {
      udp: lookups.udpQueries,
      tcp: lookups.tcpQueries,
    }),
    counter("egress.dns.refused_total", "Malformed and unsupported queries", lookups.refused),
    counterBy("egress.dns.answers_total", "Where allowed lookups were sent", "source", {
      cache: lookups.cacheHits,
      shared: lookups.joined,
      upstream: lookups.forwarded,
    }),
    counter(
      "egress.dns.strays_total",
      "Datagrams from upstreams that answered no question",
      lookups.unmatchedResponses,
    ),
    gauge("egress.dns.lookups.count", "Lookups that wait for an upstream", lookups.underWay),
    gauge("egress.dns.cache.count", "Answers in the cache", lookups.cacheEntries),
  ];
}

function kernelMetrics({
  kernel,
  rulesInForce,
  learnedAddresses,
  learned,
  socketsEnded,
}: Omit<MetricSources, "machine" | "state">): readonly Metric[] {
  const { rulesets, rulesetFailures, learnedUpdates, learnedFailures, reconciled } = kernel();
  return [
    counter(
      "egress.nftables.updates.count",
      "Successful updates of the kernel: rulesets, and batches of learned addresses",
      rulesets + learnedUpdates,
    ),
    counterBy("egress.nftables.updates.failed_total", "Updates that the kernel refused", "operation", {
      static_apply: rulesetFailures,
      dynamic_add: learnedFailures,
    }),
    counter(
      "egress.nftables.repairs_total",
      "Rulesets loaded again because somebody else had changed them",
      reconciled,
    ),
    gauge("egress.nftables.rules.count", "Rules in force, the user's and the operator's", rulesInForce()),
    gauge("egress.nftables.learned.count", "Addresses in force that lookups brought", learnedAddresses()),
    counter(
      "egress.sockets.ended_total",
      "Sockets of idle flows that were ended because a change had denied them",
      socketsEnded(),
    ),
    counter(
      "egress.nftables.learned.renewals_total",
      "Times that an address in use was given a longer life",
      learned().renewals,
    ),
    counterBy(
      "egress.nftables.learned.evictions_total",
      "Addresses in force that had to go for others",
      "bound",
      learned().evictions,
    ),
  ];
}

function connectionMetrics({ denied, told, audited }: ConnectionFigures): readonly Metric[] {
  return [
    counter(
      "egress.connections.audited_total",
      "Connections that audit mode has let through, counted by the kernel",
      audited,
    ),
    counter("egress.connections.denied_total", "Connections that the kernel refused, counted by it", denied),
    counter(
      "egress.connections.told_total",
      "Refused connections that the log was told of, one by one",
      told,
    ),
  ];
}

function nameMetrics(names: NameFigures): readonly Metric[] {
  return [
    counter("egress.names.packets_total", "Packets that were held for the name in them", names.packets),
    counter(
      "egress.names.refused_total",
      "Packets of connections that were refused for the name they showed, or for how",
      names.refusals,
    ),
    counter("egress.names.drops_total", "Held packets that the kernel had no room for", names.drops),
    counter("egress.names.overruns_total", "Times that the reader's socket overflowed", names.overruns),
    gauge("egress.names.flows.count", "Connections that are not verified, as far as known", names.flows),
    gauge("egress.names.octets.count", "Octets that are kept of them", names.octets),
  ];
}

function proxyMetric({ opened, refused, failed }: ProxyFigures): Metric {
  return counterBy(
    "egress.upstream_proxy.connections_total",
    "Connections that the upstream proxy was to open",
    "outcome",
    { opened, refused, failed },
  );
}

function requestMetrics(refused: number): readonly Metric[] {
  return [
    counter(
      "egress.requests.refused_total",
      "Requests to bound hosts that rules have refused, or audit mode has let through",
      refused,
    ),
  ];
}

function shedMetric(shed: number): Metric {
  return counter(
    "egress.connections.shed_total",
    "Connections to bound hosts that were closed, or not taken, for want of room",
    shed,
  );
}

function decisionMetric(decisions: readonly DecisionFigures[]): Metric {
  const points = decisions.map(({ kind, decision, count }) => ({
    attributes: { kind, decision },
    value: count,
  }));
  return { ...counter("egress.decisions_total", "Decisions that were told, one by one", 0), points };
}

function webhookMetrics({ delivered, failed, dropped, waiting }: WebhookFigures): readonly Metric[] {
  return [
    counterBy("egress.webhook.events_total", "Denials that the webhook was to get", "outcome", {
      delivered,
      failed,
      dropped,
    }),
    gauge("egress.webhook.queue.count", "Denials that wait for the webhook", waiting),
  ];
}
