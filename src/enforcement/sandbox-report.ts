/**
 * What is in force in a sandbox at this instant, gathered from those who hold it. No secret is among it: no
 * mark, no token.
 */
import type { DnsServer } from "../dns/io/server.ts";
import type { PolicyLayers } from "../policy/layers.ts";
import type { Rule } from "../policy/rule.ts";
import type { Endpoint } from "../sys/socket-address.ts";
import type { PolicyChanges } from "./change/change-policy.ts";
import type { GuardedInterfaces, InterfaceGuards } from "./keep/interface-guards.ts";
import type { LearnedAddresses } from "../learned/learned-addresses.ts";
import type { LearnedPage } from "../learned/pages.ts";

/** Which of the learned addresses are wanted: see `LearnedAddresses.list`. */
export interface PageRequest {
  readonly after: number;
  readonly limit: number;
}

export interface SandboxReport {
  readonly layers: PolicyLayers;
  /** Rules for requests that are denials, since their hosts' requests are not read. */
  readonly unreadRules: readonly Rule[];
  /** Undefined in mode `dns`, in which no flow is judged. */
  readonly generation: number | undefined;
  readonly interfaces: GuardedInterfaces;
  readonly upstreams: readonly (Endpoint & { readonly alive: boolean })[];
  /** Where lookups are answered. */
  readonly resolver: readonly Endpoint[];
  /** `total` may hold some that have just run out. */
  readonly learned: LearnedPage & { readonly total: number; readonly bound: number };
}

export interface ReportSources {
  readonly policy: Pick<PolicyChanges, "layers" | "unreadRules">;
  readonly guards: Pick<InterfaceGuards, "interfaces" | "generation">;
  readonly learned: Pick<LearnedAddresses, "list" | "size" | "capacity">;
  readonly server: Pick<DnsServer, "listening" | "isUpstreamAlive">;
  /** In the server's order. */
  readonly upstreams: readonly Endpoint[];
}

export function reportSandbox(sources: ReportSources, { after, limit }: PageRequest): SandboxReport {
  const { policy, guards, learned, server, upstreams } = sources;
  return {
    layers: policy.layers(),
    unreadRules: policy.unreadRules(),
    generation: guards.generation(),
    interfaces: guards.interfaces(),
    upstreams: upstreams.map(({ address, port }, index) => ({
      address,
      port,
      alive: server.isUpstreamAlive(index),
    })),
    resolver: server.listening,
    learned: { ...learned.list(after, limit), total: learned.size(), bound: learned.capacity },
  };
}
