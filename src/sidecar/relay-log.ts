import type { Log } from "../audit/log.ts";
import { createLineBudget } from "../audit/line-budget.ts";
import type { OnMisplaced } from "../scrub/message-change.ts";
import type { RelayEvents } from "../relay/ports.ts";

/** Requests that a workload has refused may be as many as it likes. */
const LINES_PER_SECOND = 10;

/**
 * What became of requests to bound hosts, as log lines: never a secret, a path or a value. Injected headers
 * have level debug, for each request has them.
 */
export function createRelayLog({ logger }: Pick<Log, "logger">): RelayEvents {
  const budget = createLineBudget({
    perSecond: LINES_PER_SECOND,
    report: (host, count) => logger.warn({ ...REFUSED, "target.host": host, count }, "requests refused"),
  });
  return {
    refused({ host, method, status, text }) {
      if (!budget.admits(host)) return;
      logger.warn({ ...REFUSED, "target.host": host, method, status, reason: text }, "request refused");
    },
    injected({ host, method, binding, revision, headers }) {
      const event = { "opensandbox.event": "egress.credential_injected", "target.host": host };
      logger.debug({ ...event, method, binding, revision, headers }, "credential put into a request");
    },
    cut({ host, text }) {
      if (!budget.admits(host)) return;
      logger.warn({ ...REFUSED, "target.host": host, reason: text }, "request cut");
    },
  };
}

/** As {@link createRelayLog}, for placeholders in places where none is filled. */
export function createMisplacedLog({ logger }: Pick<Log, "logger">): OnMisplaced {
  const fields = { "opensandbox.event": "egress.secret_misplaced" };
  const budget = createLineBudget({
    perSecond: LINES_PER_SECOND,
    report: (host, count) => logger.warn({ ...fields, "target.host": host, count }, "placeholders misplaced"),
  });
  return (host, place) => {
    if (budget.admits(host))
      logger.warn({ ...fields, "target.host": host, place }, "a placeholder is misplaced");
  };
}

/** Hears of connections to bound hosts that were closed so that others are served. */
export function createShedLog({
  logger,
}: Pick<Log, "logger">): (host: string, octets: number, reason: string) => void {
  const fields = { "opensandbox.event": "egress.connection_shed" };
  const budget = createLineBudget({
    perSecond: LINES_PER_SECOND,
    report: (host, count) => logger.warn({ ...fields, "target.host": host, count }, "connections closed"),
  });
  return (host, octets, reason) => {
    if (budget.admits(host))
      logger.warn({ ...fields, "target.host": host, octets, reason }, `connection closed for ${reason}`);
  };
}

const REFUSED = { "opensandbox.event": "egress.request_refused" };
