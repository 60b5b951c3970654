/** Where a running sidecar's metrics come from. */
import type { DenyWebhook } from "../audit/deny-webhook.ts";
import type { DecisionCounts } from "../decisions/count-decisions.ts";
import type { Health } from "../enforcement/change/policy-control.ts";
import type { Sandbox } from "../enforcement/sandbox.ts";
import { readMetrics, readOwnMetrics } from "../metrics/egress-metrics.ts";
import type { Histogram } from "../metrics/histogram.ts";
import { createMachineReadings } from "../metrics/io/machine.ts";
import type { Metric } from "../metrics/metric.ts";
import type { MetricSources } from "../metrics/metric-sources.ts";
import type { Protections } from "../protections/protections.ts";
import type { ProxyFigures } from "./proxy-reports.ts";

export interface ObservedFigures {
  /** As `192.0.2.1:53`, in the order of the resolver's. */
  readonly upstreamNames: readonly string[];
  readonly protections: Pick<Protections, "list">;
  readonly duration: Pick<Histogram, "read">;
  readonly counts: Pick<DecisionCounts, "read">;
  readonly webhook: Pick<DenyWebhook, "figures"> | undefined;
}

export interface ObservedMetrics {
  /** From now on there is something to read. `proxy`: undefined if no upstream proxy is set. */
  observe(sandbox: Sandbox, proxy: ProxyFigures | undefined): void;
  /** All; none before `observe`. `health` is undefined if nobody has asked. */
  read(health: Health | undefined): readonly Metric[];
  /** Those of the sidecar's own work. */
  readOwn(): readonly Metric[];
}

export function createObservedMetrics(figures: ObservedFigures): ObservedMetrics {
  const machine = createMachineReadings();
  let observed: { readonly sandbox: Sandbox; readonly proxy: ProxyFigures | undefined } | undefined;

  function sources(health?: Health): MetricSources | undefined {
    if (observed === undefined) return undefined;
    const { sandbox, proxy } = observed;
    return { ...sourcesOf(sandbox, figures, health), proxy, machine };
  }

  return {
    observe(sandbox, proxy) {
      observed = { sandbox, proxy };
    },
    read(health) {
      const all = sources(health);
      return all === undefined ? [] : readMetrics(all);
    },
    readOwn() {
      const all = sources();
      return all === undefined ? [] : readOwnMetrics(all);
    },
  };
}

function sourcesOf(
  sandbox: Sandbox,
  { upstreamNames, protections, duration, counts, webhook }: ObservedFigures,
  health: Health | undefined,
): Omit<MetricSources, "proxy" | "machine"> {
  const stats = sandbox.stats();
  const { upstreamsAlive, requestsRefused, connectionsShed } = stats;
  return {
    state: () => ({
      isHealthy: health?.ok,
      upstreams: upstreamNames.map((name, index) => ({ name, isAlive: upstreamsAlive[index] === true })),
      protections: protections.list().map(({ name, state }) => ({ name, isOn: state === "on" })),
    }),
    lookups: () => stats.lookups,
    queryDuration: duration.read,
    kernel: () => stats.kernel,
    rulesInForce: () => stats.rules,
    learnedAddresses: () => stats.learned,
    learned: () => stats.learnedFigures,
    socketsEnded: () => stats.socketsEnded,
    connections: stats.connections,
    names: stats.names,
    requestsRefused: requestsRefused === undefined ? undefined : () => requestsRefused,
    connectionsShed: connectionsShed === undefined ? undefined : () => connectionsShed,
    isAudit: sandbox.policy.isAudit,
    decisions: counts.read,
    webhook: webhook?.figures,
  };
}
