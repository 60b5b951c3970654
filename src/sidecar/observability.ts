/**
 * What a running sidecar reports beyond its log: metrics for who asks, metrics pushed, denials posted.
 * Puts parts together, no more.
 */
import type { DecisionSources } from "../api/decisions-route.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import { createDenyWebhook, type DenyWebhook } from "../audit/deny-webhook.ts";
import type { Log } from "../audit/log.ts";
import type { Settings } from "../config.ts";
import { createDecisionCounts } from "../decisions/count-decisions.ts";
import { type DecisionSubscriber, tellAll } from "../decisions/decision-event.ts";
import { createDecisionRing } from "../decisions/decision-ring.ts";
import { describe } from "../enforcement/errors.ts";
import type { Health } from "../enforcement/change/policy-control.ts";
import type { Sandbox } from "../enforcement/sandbox.ts";
import { listCounts } from "../metrics/counts.ts";
import {
  type MetricSources,
  QUERY_DURATION_BOUNDS,
  readMetrics,
  readOwnMetrics,
} from "../metrics/egress-metrics.ts";
import { createHistogram } from "../metrics/histogram.ts";
import { createMachineReadings } from "../metrics/io/machine.ts";
import type { Attributes, Metric } from "../metrics/metric.ts";
import type { OtlpPush } from "../metrics/otlp/push.ts";
import { renderPrometheus } from "../metrics/prometheus.ts";
import type { Poster } from "../outbound/io/poster.ts";
import type { OwnWays } from "../outbound/own-ways.ts";
import type { ProxyFigures } from "./proxy-reports.ts";
import type { ReadySettings } from "./ready-settings.ts";
import type { Protections } from "../protections/protections.ts";
import { VERSION } from "./version.ts";

export interface Observability {
  /** Events for the log and the webhook, and for all else that tells of decisions. */
  readonly audit: AuditLog;
  /** The last decisions. */
  readonly decisions: DecisionSources;
  /** How long the upstreams took for a lookup. */
  recordDuration(durationMs: number): void;
  /** Prometheus text. Only after `start`. */
  renderMetrics(health: Health): string;
  /** What the sidecar has counted, by the metrics' names. Only after `start`. */
  readCounts(): Readonly<Record<string, number>>;
  /**
   * Begins to send, if the settings say so; before the first policy, so that its ruleset has the way open.
   * Throws OutboundError.
   */
  start(sandbox: Sandbox, parts: ObservedParts): Promise<void>;
  /** Sends what is left. The sandbox's sockets may be closed by then, its rules may not. */
  close(limitMs: number): Promise<void>;
}

export interface ObservedParts {
  readonly upstreams: NonNullable<Settings["upstreams"]>;
  /** Of our own connections. */
  readonly ways: OwnWays;
  /** Undefined if no upstream proxy is set. */
  readonly proxy: ProxyFigures | undefined;
}

const SERVICE = "opensandbox-egress";
const SCOPE = { name: "opensandbox/egress", version: VERSION };

type ObservedSettings = Pick<
  ReadySettings,
  | "denyWebhook"
  | "otlpMetricsUrl"
  | "otlpIntervalMs"
  | "otlpTemporality"
  | "sandboxId"
  | "extraAttributes"
  | "decisionsKept"
  | "upstreams"
>;

export function createObservability(
  settings: ObservedSettings,
  log: Log,
  protections: Pick<Protections, "list">,
): Observability {
  const { denyWebhook, otlpMetricsUrl, sandboxId } = settings;
  const shared: Attributes = {
    ...settings.extraAttributes,
    ...(sandboxId === undefined ? {} : { sandbox_id: sandboxId }),
  };
  const posters: { webhook?: Poster; otlp?: Poster } = {};
  const webhook = denyWebhook === undefined ? undefined : createWebhook(sandboxId, posters, log);
  const duration = createHistogram(QUERY_DURATION_BOUNDS);
  const ring = createDecisionRing(settings.decisionsKept);
  const counts = createDecisionCounts();
  const subscribers = [log.audit.decided, ring.record, counts.count];
  const machine = createMachineReadings();
  let observed: Sandbox | undefined;
  let proxy: ProxyFigures | undefined;
  let push: OtlpPush | undefined;

  const upstreamNames = settings.upstreams.map(({ address, port }) => showEndpoint(address, port));
  let isClosing = false;

  function sources(of: Sandbox, health?: Health): MetricSources {
    const {
      upstreamsAlive,
      lookups,
      kernel,
      rules,
      learned,
      learnedFigures,
      socketsEnded,
      connections,
      names,
      requestsRefused,
    } = of.stats();
    return {
      state: () => ({
        isHealthy: health?.ok,
        upstreams: upstreamNames.map((name, index) => ({ name, isAlive: upstreamsAlive[index] === true })),
        protections: protections.list().map(({ name, state }) => ({ name, isOn: state === "on" })),
      }),
      lookups: () => lookups,
      queryDuration: duration.read,
      kernel: () => kernel,
      rulesInForce: () => rules,
      learnedAddresses: () => learned,
      learned: () => learnedFigures,
      socketsEnded: () => socketsEnded,
      connections,
      names,
      proxy,
      requestsRefused: requestsRefused === undefined ? undefined : () => requestsRefused,
      isAudit: of.policy.isAudit,
      decisions: counts.read,
      webhook: webhook?.figures,
      machine,
    };
  }
  function read(health?: Health): readonly Metric[] {
    return observed === undefined ? [] : readMetrics(sources(observed, health));
  }

  return {
    audit: {
      ...log.audit,
      decided: tellAll(webhook === undefined ? subscribers : [...subscribers, tellDenials(webhook)]),
    },
    decisions: {
      ring,
      run: Date.now().toString(36),
      upstreams: upstreamNames,
    },
    recordDuration: (durationMs) => duration.record(durationMs / 1000),
    renderMetrics: (health) => renderPrometheus(read(health), shared),
    readCounts: () => (observed === undefined ? {} : listCounts(readOwnMetrics(sources(observed)))),
    async start(sandbox, parts) {
      observed = sandbox;
      proxy = parts.proxy;
      if (denyWebhook === undefined && otlpMetricsUrl === undefined) return;
      const open = await prepareOutbound(sandbox, parts);
      if (denyWebhook !== undefined) posters.webhook = await open(denyWebhook, "application/json");
      if (otlpMetricsUrl === undefined) return;
      const { OTLP_CONTENT_TYPE, startOtlpPush } = await import("../metrics/otlp/push.ts");
      const poster = await open(otlpMetricsUrl, OTLP_CONTENT_TYPE);
      posters.otlp = poster;
      push = startOtlpPush({
        // The resolver that health asks may be closed at the end.
        read: async () => read(isClosing ? undefined : await sandbox.policy.health()),
        temporality: settings.otlpTemporality,
        origin: {
          resource: { "service.name": SERVICE, "service.version": VERSION },
          scope: SCOPE,
          shared,
        },
        intervalMs: settings.otlpIntervalMs,
        post: poster.post,
        onFailure: (error) => log.logger.warn({ error: describe(error) }, "metrics could not be pushed"),
        onRecovery: () => log.logger.info("metrics are pushed again"),
      });
    },
    async close(limitMs) {
      isClosing = true;
      await Promise.all([webhook?.close(limitMs), push?.close(limitMs)]);
      posters.webhook?.close();
      posters.otlp?.close();
    },
  };
}

/** The webhook gets lookups alone. */
function tellDenials(webhook: Pick<DenyWebhook, "tell">): DecisionSubscriber {
  return ({ kind, decision, name = "" }) => {
    if (kind === "lookup" && decision === "denied") webhook.tell(name);
  };
}

function showEndpoint(address: string, port: number): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

/** Denials before `start` wait in its queue for the poster. */
function createWebhook(
  sandboxId: string | undefined,
  posters: { readonly webhook?: Poster },
  log: Log,
): DenyWebhook {
  return createDenyWebhook({
    sandboxId,
    async post(body, signal) {
      if (posters.webhook === undefined) throw new Error("the sidecar is still starting");
      return posters.webhook.post(body, signal);
    },
    onTrouble: (reason) => log.logger.warn({ error: reason }, "denials do not reach the webhook"),
    onRecovery: () => log.logger.info("denials reach the webhook again"),
  });
}

/** Loaded only when something is to be sent. */
async function prepareOutbound(
  sandbox: Sandbox,
  { upstreams, ways }: ObservedParts,
): Promise<(url: string, contentType: string) => Promise<Poster>> {
  const { openDestination } = await import("../outbound/io/destination.ts");
  const outbound = { upstreams, mark: sandbox.mark, ways, userAgent: `${SERVICE}/${VERSION}` };
  return (url, contentType) => openDestination(url, contentType, outbound);
}
