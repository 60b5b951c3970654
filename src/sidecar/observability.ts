/**
 * What a running sidecar reports beyond its log: metrics for who asks, metrics pushed, denials posted.
 * Puts parts together, no more.
 */
import type { DecisionSources } from "../api/decisions-route.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { DenyWebhook } from "../audit/deny-webhook.ts";
import type { Log } from "../audit/log.ts";
import { createDecisionCounts } from "../decisions/count-decisions.ts";
import { type DecisionSubscriber, tellAll } from "../decisions/decision-event.ts";
import { createDecisionRing } from "../decisions/decision-ring.ts";
import type { Health } from "../enforcement/change/policy-control.ts";
import type { Sandbox } from "../enforcement/sandbox.ts";
import { listCounts } from "../metrics/counts.ts";
import { QUERY_DURATION_BOUNDS } from "../metrics/egress-metrics.ts";
import { createHistogram } from "../metrics/histogram.ts";
import type { Attributes } from "../metrics/metric.ts";
import { renderPrometheus } from "../metrics/prometheus.ts";
import type { Protections } from "../protections/protections.ts";
import { createObservedMetrics } from "./observe-metrics.ts";
import type { ProxyFigures } from "./proxy-reports.ts";
import type { ReadySettings } from "./ready-settings.ts";
import { createReportSending, type SendingSettings, type SentParts } from "./send-reports.ts";

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

export interface ObservedParts extends Pick<SentParts, "upstreams" | "ways"> {
  /** Undefined if no upstream proxy is set. */
  readonly proxy: ProxyFigures | undefined;
}

type ObservedSettings = SendingSettings &
  Pick<ReadySettings, "extraAttributes" | "decisionsKept" | "upstreams">;

export function createObservability(
  settings: ObservedSettings,
  log: Log,
  protections: Pick<Protections, "list">,
): Observability {
  const { sandboxId } = settings;
  const shared: Attributes = {
    ...settings.extraAttributes,
    ...(sandboxId === undefined ? {} : { sandbox_id: sandboxId }),
  };
  const sending = createReportSending(settings, log);
  const { webhook } = sending;
  const duration = createHistogram(QUERY_DURATION_BOUNDS);
  const ring = createDecisionRing(settings.decisionsKept);
  const counts = createDecisionCounts();
  const subscribers = [log.audit.decided, ring.record, counts.count];
  const upstreamNames = settings.upstreams.map(({ address, port }) => showEndpoint(address, port));
  const metrics = createObservedMetrics({ upstreamNames, protections, duration, counts, webhook });

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
    renderMetrics: (health) => renderPrometheus(metrics.read(health), shared),
    readCounts: () => listCounts(metrics.readOwn()),
    async start(sandbox, { proxy, upstreams, ways }) {
      metrics.observe(sandbox, proxy);
      await sending.start(sandbox, { upstreams, ways, shared, readMetrics: metrics.read });
    },
    close: sending.close,
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
