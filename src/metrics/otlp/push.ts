/**
 * Sends the metrics to a collector again and again. One request at a time; one that is lost costs no count:
 * counts are those since the start, or since the last request that was taken.
 */
import type { Metric } from "../metric.ts";
import { since } from "./delta.ts";
import { encodeMetrics, type MetricsOrigin } from "./encode-metrics.ts";

export const OTLP_CONTENT_TYPE = "application/x-protobuf";

/** As the OpenTelemetry specification's default. */
const LIMIT_MS = 10_000;

export interface OtlpPushOptions {
  readonly read: () => Promise<readonly Metric[]>;
  /** `lowmemory` is delta: all that we count is counted where it happens. */
  readonly temporality: "cumulative" | "delta" | "lowmemory";
  readonly origin: MetricsOrigin;
  readonly intervalMs: number;
  /** Sends one request; settles with the status, throws on anything else. */
  readonly post: (body: Buffer, signal: AbortSignal) => Promise<number>;
  /** Called with the first failure of a row, and when it works again. */
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
  const isDelta = options.temporality !== "cumulative";
  let startMs = nowMs();
  /** As they were in the last request that was taken. */
  let before: readonly Metric[] = [];
  let underWay: Promise<void> | undefined;
  let isFailing = false;

  async function send(limitMs: number): Promise<void> {
    try {
      const metrics = await options.read();
      const span = { startMs, nowMs: nowMs(), isDelta };
      const body = encodeMetrics(isDelta ? since(before, metrics) : metrics, options.origin, span);
      const status = await post(body, AbortSignal.timeout(limitMs));
      if (status < 200 || status > 299) throw new Error(`the collector answers with status ${status}`);
      if (isDelta) {
        before = metrics;
        startMs = span.nowMs;
      }
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
