/** The resolver's side of a sandbox: it listens, and takes no lookup before it is started. */
import type { AuditLog } from "../audit/audit-log.ts";
import type { BoundSettings } from "../dns/bounds/lookup-bounds.ts";
import { openDnsServer, type DnsServer } from "../dns/io/server.ts";
import type { AddressAdmission, UpstreamProbes } from "../dns/ports.ts";
import { type EnforcementMode } from "../netfilter/ruleset.ts";
import type { SocketMark } from "../sys/socket.ts";
import type { Endpoint } from "../sys/socket-address.ts";
import type { SandboxCapacity } from "./capacity.ts";
import type { PolicyInForceCell } from "./change/policy-in-force.ts";
import type { SandboxEvents } from "./events.ts";
import { createLookupAudit } from "./lookups/lookup-audit.ts";
import { createUnixTime } from "./lookups/unix-time.ts";
import { createPolicyJudge, type PolicyJudge } from "./lookups/policy-judge.ts";
import type { KernelSide } from "./open-kernel-side.ts";
import { type FreePortOptions, linkPortOf, openOnFreePort } from "./open-on-free-port.ts";

/** In mode `dns` the kernel judges no address, so it need not be told of any. */
const NO_ADMISSION: AddressAdmission = { learn: () => undefined, commit: () => true, epoch: () => 0 };

export interface ResolverSideOptions extends FreePortOptions {
  readonly enforcementMode: EnforcementMode;
  readonly upstreams: readonly Endpoint[];
  readonly timeoutMs: number;
  readonly capacity: SandboxCapacity;
  readonly bounds: BoundSettings;
  readonly allowPrivateAnswers: boolean;
  readonly probes: UpstreamProbes;
  readonly audit: AuditLog;
  /** Called with how long the upstreams took for each lookup, on the lookup's way. */
  readonly recordDuration: (durationMs: number) => void;
}

/** Opens it in the current network namespace. Throws SystemCallError or Node's error. */
export async function openResolverSide(
  options: ResolverSideOptions,
  { learned, withheld }: Pick<KernelSide, "withheld"> & { readonly learned: AddressAdmission },
  inForce: PolicyInForceCell,
  { mark, events }: { readonly mark: SocketMark; readonly events: SandboxEvents },
): Promise<DnsServer> {
  const judge = createPolicyJudge({
    inForce: inForce.read,
    allowPrivate: options.allowPrivateAnswers,
    withheld,
  });
  const { audit, recordDuration } = options;
  const { whyWithheld } = judge;
  const observer = createLookupAudit({
    audit,
    recordDuration,
    whyWithheld,
    policy: () => inForce.read().active,
    unixMs: createUnixTime(Date.now),
  });
  const server = await openOnFreePort(options, (port) =>
    openDnsServer({
      listen: [
        { address: "127.0.0.1", port },
        { address: "::1", port },
        { address: "::", port: linkPortOf(port) },
      ],
      upstreams: options.upstreams,
      mark,
      timeoutMs: options.timeoutMs,
      capacity: options.capacity.dns,
      bounds: options.bounds,
      policy: judge,
      admission: options.enforcementMode === "dns" ? NO_ADMISSION : admitOpened(learned, judge),
      observer,
      probes: options.probes,
      onUnanswered: () => audit.upstreamsUnanswered(options.upstreams.map(describeUpstream)),
    }),
  );
  // Cached answers were judged by another policy, or may hold an address that is withheld by now.
  events.policyEnforced.subscribe(() => server.clearCache());
  events.addressesWithheld.subscribe(() => server.clearCache());
  return server;
}

/** Learns nothing that no name opens. */
function admitOpened(learned: AddressAdmission, judge: Pick<PolicyJudge, "opensAddress">): AddressAdmission {
  return {
    learn(qname, octets, at, length, ttlSeconds) {
      if (judge.opensAddress(octets, at, length)) learned.learn(qname, octets, at, length, ttlSeconds);
    },
    commit: learned.commit,
    epoch: learned.epoch,
  };
}

function describeUpstream({ address, port }: Endpoint): string {
  return `${address} port ${port}`;
}
