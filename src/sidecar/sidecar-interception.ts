/**
 * The interception of a sidecar, in the words of the sandbox. Loaded only where something is to be
 * intercepted.
 */
import type { Log } from "../audit/log.ts";
import type { Settings } from "../config.ts";
import { interceptedPorts } from "../config/interception-variables.ts";
import type { InterceptionPlan } from "../enforcement/interception/interception-plan.ts";
import { connectDirectly } from "../intercept/io/direct.ts";
import { relayConnection } from "../relay/io/relay-connection.ts";
import { createFindChange } from "../scrub/message-change.ts";
import { renderHostPattern } from "../vault/host-pattern.ts";
import type { Vault } from "../vault/vault.ts";
import type { PreparedInterception } from "./prepare-interception.ts";
import { createMisplacedLog, createRelayLog } from "./relay-log.ts";

export interface InterceptionParts {
  readonly prepared: PreparedInterception;
  readonly vault: Vault;
  readonly log: Log;
}

export function planInterception(
  settings: Settings,
  { prepared, vault, log }: InterceptionParts,
): InterceptionPlan {
  const { authority, trust } = prepared;
  const tell = createRelayLog(log);
  const findChange = createFindChange(createMisplacedLog(log));
  // The vault lives as long as the interception.
  vault.subscribe(({ bindings }) => {
    const bound = bindings.flatMap(({ match }) => match.hosts.map(renderHostPattern));
    authority
      .cover([...settings.certificateHosts, ...bound])
      .catch((error: unknown) => log.logger.error({ err: error }, "a root for a bound host is not written"));
  });
  return {
    ports: interceptedPorts(settings.extraPorts),
    vault,
    trust,
    findLeaf: (name) => authority.leafFor(name)?.context,
    createConnect: connectDirectly,
    relay: (connection) => relayConnection({ ...connection, vault, tell, findChange }),
    onUnserved: (host, text) => tell.cut({ host, text }),
    lacks: () => (authority.isWritten() ? undefined : "the certificate's file is not written"),
  };
}
