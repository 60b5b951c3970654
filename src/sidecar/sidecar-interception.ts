/**
 * The interception of a sidecar, in the words of the sandbox. Loaded only where something is to be
 * intercepted.
 */
import type { Log } from "../audit/log.ts";
import { interceptedPorts } from "../config/interception-variables.ts";
import type { InterceptionPlan } from "../enforcement/interception/interception-plan.ts";
import { type FlowBounds, flowBoundsFor } from "../intercept/flow-bounds.ts";
import { connectByProxy } from "../intercept/io/by-proxy.ts";
import { connectDirectly } from "../intercept/io/direct.ts";
import { joinPort, type UpstreamProxy } from "../intercept/upstream-proxy.ts";
import type { OwnWays } from "../outbound/own-ways.ts";
import { relayConnection } from "../relay/io/relay-connection.ts";
import { createLineRooms } from "../relay/io/line-rooms.ts";
import { createSessionRooms } from "../relay/io/session-rooms.ts";
import { runInSlices } from "../sys/in-slices.ts";
import { readMemoryLimit } from "../sys/memory-limit.ts";
import { createFindChange } from "../scrub/message-change.ts";
import { renderHostPattern } from "../vault/host-pattern.ts";
import type { Vault } from "../vault/vault.ts";
import type { PreparedInterception } from "./prepare-interception.ts";
import { createProxyReports, type ProxyFigures } from "./proxy-reports.ts";
import type { ReadySettings } from "./ready-settings.ts";
import { createMisplacedLog, createRelayLog, createShedLog } from "./relay-log.ts";

export interface InterceptionParts {
  readonly prepared: PreparedInterception;
  readonly vault: Vault;
  readonly log: Log;
  /** Of our own connections to an upstream proxy. */
  readonly ways: OwnWays;
}

/** With the outcomes of an upstream proxy's connections, if there is a proxy. */
export type SidecarInterception = InterceptionPlan & { readonly proxyFigures: ProxyFigures | undefined };

export function planInterception(
  settings: ReadySettings,
  { prepared, vault, log, ways }: InterceptionParts,
): SidecarInterception {
  const { authority, trust } = prepared;
  const tell = createRelayLog(log);
  const findChange = createFindChange(createMisplacedLog(log), runInSlices);
  const bounds = boundFlows(log);
  const shared = { rooms: createSessionRooms(bounds.windowOctets), lineRooms: createLineRooms() };
  // The vault lives as long as the interception.
  vault.subscribe(({ bindings }) => {
    const bound = bindings.flatMap(({ match }) => match.hosts.map(renderHostPattern));
    authority
      .cover([...settings.certificateHosts, ...bound])
      .catch((error: unknown) => log.logger.error({ err: error }, "a root for a bound host is not written"));
  });
  const proxy = proxyOf(settings);
  const reports = proxy && createProxyReports(log, proxy);
  if (proxy !== undefined) {
    log.logger.info({ proxy: joinPort(proxy.host, proxy.port) }, "everything leaves by the upstream proxy");
  }
  return {
    ports: interceptedPorts(settings.extraPorts),
    isEverything: proxy !== undefined,
    proxyFigures: reports?.figures,
    vault,
    trust,
    findLeaf: (name) => authority.leafFor(name)?.context,
    createConnect(mark, ownAddresses) {
      if (proxy === undefined || reports === undefined) return connectDirectly(mark);
      const { upstreams } = settings;
      return connectByProxy({
        proxy,
        trust,
        upstreams,
        mark,
        ways,
        ownAddresses,
        onOutcome: reports.onOutcome,
      });
    },
    relay: (connection, rules) =>
      relayConnection({ ...connection, vault, tell, rules, findChange, ...shared }),
    onUnserved: (host, text) => tell.cut({ host, text }),
    bounds,
    onShed: createShedLog(log),
    lacks: () => (authority.isWritten() ? undefined : "the certificate's file is not written"),
  };
}

function boundFlows({ logger }: Log): FlowBounds {
  const limit = readMemoryLimit();
  const bounds = flowBoundsFor(limit);
  if (limit !== undefined) {
    const { flows, octets } = bounds;
    logger.info({ limit, flows, octets }, "connections to bound hosts keep to the limit of memory");
  }
  return bounds;
}

function proxyOf({ upstreamProxy, upstreamProxyAuth }: ReadySettings): UpstreamProxy | undefined {
  return upstreamProxy && { ...upstreamProxy, authorization: upstreamProxyAuth };
}
