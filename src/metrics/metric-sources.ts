/**
 * The figures that metrics are made of. What counts is counted where it happens, as plain numbers, and read
 * when somebody asks.
 */
import type { MachineReadings } from "./io/machine.ts";
import type { HistogramPoint } from "./metric.ts";

/** What the resolver counts. */
export interface LookupFigures {
  readonly udpQueries: number;
  readonly tcpQueries: number;
  readonly refused: number;
  readonly denied: number;
  readonly cacheHits: number;
  readonly joined: number;
  readonly forwarded: number;
  readonly upstreamFailures: number;
  readonly rcodeFailures: number;
  readonly kernelFailures: number;
  readonly overloads: number;
  readonly limited: number;
  readonly unmatchedResponses: number;
  readonly cacheEntries: number;
  readonly underWay: number;
}

/** What has gone into the kernel. */
interface KernelFigures {
  readonly rulesets: number;
  readonly rulesetFailures: number;
  readonly learnedUpdates: number;
  readonly learnedFailures: number;
  readonly reconciled: number;
}

/** What has become of addresses that lookups brought. */
interface LearnedFigures {
  readonly renewals: number;
  readonly evictions: Readonly<Record<"name" | "wildcard" | "all", number>>;
}

/** Connections that the kernel refused on their way out, or would have in audit mode. */
export interface ConnectionFigures {
  readonly denied: number;
  readonly told: number;
  readonly audited: number;
}

/** Connections that are judged by the name that they show. */
export interface NameFigures {
  readonly packets: number;
  readonly refusals: number;
  /** Times that the socket overflowed, and packets that the kernel dropped for want of room. */
  readonly overruns: number;
  readonly drops: number;
  /** Not verified. */
  readonly flows: number;
  readonly octets: number;
}

export interface DecisionFigures {
  readonly kind: string;
  readonly decision: string;
  readonly count: number;
}

/** What became of the denials that were for the webhook. */
export interface WebhookFigures {
  readonly delivered: number;
  readonly failed: number;
  readonly dropped: number;
  readonly waiting: number;
}

/** What became of connections that an upstream proxy was to open. */
export interface ProxyFigures {
  readonly opened: number;
  readonly refused: number;
  readonly failed: number;
}

/** How the sandbox stands. */
export interface StateFigures {
  /** Undefined if nobody has looked. */
  readonly isHealthy: boolean | undefined;
  /** As `192.0.2.1:53`. */
  readonly upstreams: readonly { readonly name: string; readonly isAlive: boolean }[];
  readonly protections: readonly { readonly name: string; readonly isOn: boolean }[];
}

export interface MetricSources {
  readonly state: () => StateFigures;
  readonly lookups: () => LookupFigures;
  readonly queryDuration: () => HistogramPoint;
  readonly kernel: () => KernelFigures;
  /** Rules of the user and of the operator. */
  readonly rulesInForce: () => number;
  readonly learnedAddresses: () => number;
  readonly learned: () => LearnedFigures;
  /** Those of idle flows that a change had denied. */
  readonly socketsEnded: () => number;
  readonly connections: () => ConnectionFigures;
  /** Undefined if connections are judged by their address alone. */
  readonly names: (() => NameFigures) | undefined;
  /** Connections by the upstream proxy; undefined if none is set. */
  readonly proxy: ProxyFigures | undefined;
  /** Undefined if none are read. */
  readonly requestsRefused: (() => number) | undefined;
  /** Undefined as well. */
  readonly connectionsShed: (() => number) | undefined;
  /** Whether audit mode is on. */
  readonly isAudit: () => boolean;
  readonly decisions: () => readonly DecisionFigures[];
  /** Undefined if no webhook is set. */
  readonly webhook: (() => WebhookFigures) | undefined;
  readonly machine: MachineReadings;
}
