import type { Log } from "../audit/log.ts";
import type { ProxyOutcome } from "../intercept/io/by-proxy.ts";
import { joinPort, type UpstreamProxy } from "../intercept/upstream-proxy.ts";

/** Connections by the upstream proxy, since the start. */
export type ProxyFigures = Readonly<Record<ProxyOutcome, number>>;

export interface ProxyReports {
  onOutcome(outcome: ProxyOutcome, reason: string): void;
  readonly figures: ProxyFigures;
}

/** A sandbox may find a host by which the proxy fails, and try it as often as it likes. */
const QUIET_MS = 10_000;

/**
 * Counts what becomes of connections by the proxy, and reports when it goes away and comes back. Each flow
 * that comes to nothing has a line of its own. The authorization is never in any of it.
 */
export function createProxyReports(
  { logger }: Pick<Log, "logger">,
  { host, port }: Pick<UpstreamProxy, "host" | "port">,
  nowMs: () => number = () => performance.now(),
): ProxyReports {
  const figures = { opened: 0, refused: 0, failed: 0 };
  const fields = { "opensandbox.event": "egress.upstream_proxy", proxy: joinPort(host, port) };
  let isAway = false;
  let quietUntilMs = -Infinity;
  return {
    figures,
    onOutcome(outcome, reason) {
      figures[outcome] += 1;
      if (outcome === "failed") {
        if (isAway || nowMs() < quietUntilMs) return;
        isAway = true;
        quietUntilMs = nowMs() + QUIET_MS;
        logger.warn({ ...fields, reason }, "the upstream proxy fails: nothing leaves by another way");
      } else if (isAway) {
        isAway = false;
        logger.info(fields, "the upstream proxy is there again");
      }
    },
  };
}
