/** Sends the metrics to a collector again and again. One request at a time; one that is lost costs nothing, as counts are cumulative. */
import type { Metric } from "../metric.ts";
import { encodeMetrics, type MetricsOrigin } from "./encode-metrics.ts";

export const OTLP_CONTENT_TYPE = "application/x-protobuf";

/** As the OpenTelemetry specification's default. */
const LIMIT_MS = 10_000;

export interface OtlpPushOptions {
  readonly read: () => readonly Metric[];
  readonly origin: MetricsOrigin;
  readonly intervalMs: number;
  /** Sends one request; settles with the status, throws on anything else. */
  readonly post: (body: Buffer, signal: AbortSignal) => Promise<number>;
  /** Hears the first failure of a row, and that it works again. */
  readonly onFailure: (reason: unknown) => void;
  readonly onRecovery: () => void;
  readonly nowMs?: () => number;
}

export interface OtlpPush {
  /** Sends one last time, within the limit. */
  close(limitMs: number): Promise<void>;
}

export function startOtlpPush(options: OtlpPushOptions): OtlpPush {
  const { post, nowMs = Date.now } = options;
  const startMs = nowMs();
  let underWay: Promise<void> | undefined;
  let isFailing = false;

  async function send(limitMs: number): Promise<void> {
    try {
      const body = encodeMetrics(options.read(), options.origin, { startMs, nowMs: nowMs() });
      const status = await post(body, AbortSignal.timeout(limitMs));
      if (status < 200 || status > 299) throw new Error(`the collector answers with status ${status}`);
      if (isFailing) options.onRecovery();
      isFailing = false;
    } catch (error) {
      if (!isFailing) options.onFailure(error);
      isFailing = true;
    }
  }
  async function tick(limitMs: number): Promise<void> {
    underWay = send(limitMs);
    await underWay;
    underWay = undefined;
  }

  const timer = setInterval(() => {
    if (underWay === undefined) void tick(Math.min(LIMIT_MS, options.intervalMs));
  }, options.intervalMs);
  timer.unref();
  return {
    async close(limitMs) {
      clearInterval(timer);
      const until = performance.now() + limitMs;
      await Promise.race([underWay, new Promise((resolve) => setTimeout(resolve, limitMs).unref())]);
      const left = Math.floor(until - performance.now());
      if (left > 0) await tick(left);
    },
  };
}
