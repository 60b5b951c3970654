/** What refused connections write into the log: a line each as long as their budget lasts, then one for each address. */
import type { Logger } from "pino";
import type { DeniedConnection } from "./audit-log.ts";
import { createLineBudget } from "./line-budget.ts";

export interface ConnectionLog {
  denied(connection: DeniedConnection): void;
  /** Writes what is counted, now. */
  flush(): void;
}

const EVENT = { "opensandbox.event": "egress.denied" };

/** `perSecond`: lines of their own, so that neither these nor lookups take any from the other. 0 is no bound but the kernel's. */
export function createConnectionLog(logger: Pick<Logger, "warn">, perSecond: number): ConnectionLog {
  const budget = createLineBudget({
    perSecond,
    report: (ip, count) =>
      logger.warn(
        { ...EVENT, "target.ips": ip === undefined ? undefined : [ip], count },
        "connections denied",
      ),
  });
  return {
    denied({ ip, port, transport, host, layer, rule }) {
      if (!budget.admits(ip)) return;
      const target = { "target.host": host, "target.ips": [ip], "target.port": port };
      logger.warn({ ...EVENT, ...target, "network.transport": transport, layer, rule }, "connection denied");
    },
    flush: budget.flush,
  };
}
