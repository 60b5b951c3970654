/**
 * What refused connections write into the log: a line each as long as their budget lasts, then one for each
 * address.
 */
import type { Logger } from "pino";
import type { DecisionEvent, ShownDetails } from "../decisions/decision-event.ts";
import { protocolWord } from "../decisions/words.ts";
import { renderAddress, renderIpv6 } from "../policy/address.ts";
import { createLineBudget } from "./line-budget.ts";

export interface ConnectionLog {
  write(event: DecisionEvent): void;
  /** Writes what is counted, now. */
  flush(): void;
}

const DENIED = { "opensandbox.event": "egress.denied" };
const AUDITED = { "opensandbox.event": "egress.audited" };

/**
 * `perSecond`: lines of their own, so that neither these nor lookups take any from the other. 0 is no bound
 * but the kernel's.
 */
export function createConnectionLog(logger: Pick<Logger, "warn">, perSecond: number): ConnectionLog {
  const createBudget = (event: object, message: string) =>
    createLineBudget({
      perSecond,
      report: (ip, count) =>
        logger.warn({ ...event, "target.ips": ip === undefined ? undefined : [ip], count }, message),
    });
  const forDenied = createBudget(DENIED, "connections denied");
  const forAudited = createBudget(AUDITED, "connections audited");
  return {
    write(event) {
      const ip = addressOf(event);
      const isAudited = event.decision === "audited";
      if (!(isAudited ? forAudited : forDenied).admits(ip)) return;
      const { decision, name, protocol, port, layer, rule, reason, shown } = event;
      const target = { "target.host": name, "target.ips": [ip], "target.port": port };
      const destination = { "destination.address": ip, "destination.port": port };
      const network = {
        "network.transport": protocolWord(protocol),
        "network.type": ip.includes(":") ? "ipv6" : "ipv4",
      };
      logger.warn(
        {
          ...(isAudited ? AUDITED : DENIED),
          decision,
          ...target,
          ...destination,
          ...network,
          layer,
          rule,
          reason,
          ...(shown === undefined ? {} : tellShown(event, shown)),
        },
        isAudited ? "connection audited" : "connection denied",
      );
    },
    flush() {
      forDenied.flush();
      forAudited.flush();
    },
  };
}

/**
 * With the smallest change of the policy that would let it through: `PATCH /policy` takes it. There is none
 * of a request, since a path is never told, and of a name that was shown in an odd form, since that is
 * allowed already.
 */
function tellShown(event: DecisionEvent, shown: ShownDetails): object {
  const { problem, owners } = shown;
  return { "reason.detail": problem, "address.names": owners, patch: patchOf(event, shown) };
}

function patchOf(event: DecisionEvent, shown: ShownDetails): object | undefined {
  const { name, port, reason } = event;
  const { owners, allowedOwner, isAllowedElsewhere, app } = shown;
  if (reason === "shown-app") {
    const target = name ?? allowedOwner ?? owners[0] ?? addressOf(event);
    return [{ action: "allow", target, ports: [port], app: app === "other" ? "any" : app }];
  }
  if (name === undefined || reason !== "shown-name") return undefined;
  // A rule without ports would take the place of those that the name has.
  const scope = isAllowedElsewhere && port !== undefined ? { ports: [port], protocol: "tcp" } : {};
  return [{ action: "allow", target: name, ...scope }];
}

function addressOf(event: DecisionEvent): string {
  let text = "";
  event.forEachAddress((octets, at, length) => {
    const address = octets.subarray(at, at + length);
    text = length === 4 ? renderAddress(address) : renderIpv6(address);
  });
  return text;
}
