import type { LookupFigures, MetricSources } from "../../src/metrics/metric-sources.ts";

const LOOKUPS: LookupFigures = {
  udpQueries: 20,
  tcpQueries: 3,
  refused: 1,
  denied: 5,
  cacheHits: 7,
  joined: 2,
  forwarded: 9,
  upstreamFailures: 31,
  rcodeFailures: 27,
  kernelFailures: 6,
  overloads: 8,
  limited: 10,
  unmatchedResponses: 11,
  cacheEntries: 12,
  underWay: 13,
};

/** Sources that all tell another number. */
export const SOURCES: MetricSources = {
  state: () => ({
    isHealthy: true,
    upstreams: [
      { name: "192.0.2.1:53", isAlive: true },
      { name: "[2001:db8::1]:53", isAlive: false },
    ],
    protections: [
      { name: "connections", isOn: true },
      { name: "raw-frames", isOn: false },
    ],
  }),
  lookups: () => LOOKUPS,
  queryDuration: () => ({ count: 3, sum: 0.75, bounds: [0.1, 0.5], buckets: [1, 1, 1] }),
  kernel: () => ({ rulesets: 2, rulesetFailures: 1, learnedUpdates: 40, learnedFailures: 3, reconciled: 20 }),
  rulesInForce: () => 14,
  learnedAddresses: () => 15,
  socketsEnded: () => 21,
  learned: () => ({ renewals: 22, evictions: { name: 23, wildcard: 24, all: 25 } }),
  connections: () => ({ denied: 27, told: 26, audited: 29 }),
  names: () => ({ packets: 30, refusals: 31, overruns: 32, drops: 33, flows: 34, octets: 35 }),
  proxy: { opened: 36, refused: 37, failed: 38 },
  requestsRefused: () => 39,
  connectionsShed: () => 40,
  isAudit: () => true,
  decisions: () => [{ kind: "lookup", decision: "withheld", count: 28 }],
  webhook: () => ({ delivered: 16, failed: 17, dropped: 18, waiting: 19 }),
  machine: {
    memoryOctets: () => 1_073_741_824,
    cpuUtilization: () => 0.25,
    processMemoryOctets: () => 62_914_560,
    processCpuSeconds: () => 1.5,
  },
};
