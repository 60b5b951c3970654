/** What a running sidecar sends by itself: denials to a webhook, metrics by OTLP. */
import { createDenyWebhook, type DenyWebhook } from "../audit/deny-webhook.ts";
import type { Log } from "../audit/log.ts";
import type { Settings } from "../config.ts";
import { describe } from "../enforcement/errors.ts";
import type { Health } from "../enforcement/change/policy-control.ts";
import type { Sandbox } from "../enforcement/sandbox.ts";
import type { Attributes, Metric } from "../metrics/metric.ts";
import type { OtlpPush, OtlpPushOptions } from "../metrics/otlp/push.ts";
import type { Poster } from "../outbound/io/poster.ts";
import type { OwnWays } from "../outbound/own-ways.ts";
import type { ReadySettings } from "./ready-settings.ts";
import { VERSION } from "./version.ts";

export type SendingSettings = Pick<
  ReadySettings,
  "denyWebhook" | "otlpMetricsUrl" | "otlpIntervalMs" | "otlpTemporality" | "sandboxId"
>;

/** What is sent, and by which way. */
export interface SentParts {
  readonly upstreams: NonNullable<Settings["upstreams"]>;
  /** Of our own connections. */
  readonly ways: OwnWays;
  /** Attributes of each metric. */
  readonly shared: Attributes;
  /** Undefined if nobody has asked how the sandbox stands. */
  readonly readMetrics: (health: Health | undefined) => readonly Metric[];
}

export interface ReportSending {
  /** Undefined if none is set. What it is told before `start` waits for it. */
  readonly webhook: DenyWebhook | undefined;
  /** Loads what it needs and begins, if the settings say so. Throws OutboundError. */
  start(sandbox: Pick<Sandbox, "mark" | "policy">, parts: SentParts): Promise<void>;
  /** Sends what is left. */
  close(limitMs: number): Promise<void>;
}

const SERVICE = "opensandbox-egress";
const SCOPE = { name: "opensandbox/egress", version: VERSION };

export function createReportSending(settings: SendingSettings, log: Log): ReportSending {
  const { denyWebhook, otlpMetricsUrl, sandboxId } = settings;
  const posters: { webhook?: Poster; otlp?: Poster } = {};
  const webhook = denyWebhook === undefined ? undefined : createWebhook(sandboxId, posters, log);
  let push: OtlpPush | undefined;
  let isClosing = false;

  function pushOptions(
    post: Poster["post"],
    { policy }: Pick<Sandbox, "policy">,
    { readMetrics, shared }: SentParts,
  ): OtlpPushOptions {
    return {
      // The resolver that health asks may be closed at the end.
      read: async () => readMetrics(isClosing ? undefined : await policy.health()),
      temporality: settings.otlpTemporality,
      origin: {
        resource: { "service.name": SERVICE, "service.version": VERSION },
        scope: SCOPE,
        shared,
      },
      intervalMs: settings.otlpIntervalMs,
      post,
      onFailure: (error) => log.logger.warn({ error: describe(error) }, "metrics could not be pushed"),
      onRecovery: () => log.logger.info("metrics are pushed again"),
    };
  }

  return {
    webhook,
    async start(sandbox, parts) {
      if (denyWebhook === undefined && otlpMetricsUrl === undefined) return;
      const open = await prepareOutbound(sandbox, parts);
      if (denyWebhook !== undefined) posters.webhook = await open(denyWebhook, "application/json");
      if (otlpMetricsUrl === undefined) return;
      const { OTLP_CONTENT_TYPE, startOtlpPush } = await import("../metrics/otlp/push.ts");
      posters.otlp = await open(otlpMetricsUrl, OTLP_CONTENT_TYPE);
      push = startOtlpPush(pushOptions(posters.otlp.post, sandbox, parts));
    },
    async close(limitMs) {
      isClosing = true;
      await Promise.all([webhook?.close(limitMs), push?.close(limitMs)]);
      posters.webhook?.close();
      posters.otlp?.close();
    },
  };
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
  { mark }: Pick<Sandbox, "mark">,
  { upstreams, ways }: SentParts,
): Promise<(url: string, contentType: string) => Promise<Poster>> {
  const { openDestination } = await import("../outbound/io/destination.ts");
  const outbound = { upstreams, mark, ways, userAgent: `${SERVICE}/${VERSION}` };
  return (url, contentType) => openDestination(url, contentType, outbound);
}
