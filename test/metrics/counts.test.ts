import { expect, test } from "vitest";
import { listCounts } from "../../src/metrics/counts.ts";
import { readOwnMetrics } from "../../src/metrics/egress-metrics.ts";
import { SOURCES } from "./sources.ts";

test("each series of the sidecar's own counts has a name of its own, and none of the machine's is read for it", () => {
  const counts = listCounts(readOwnMetrics(SOURCES));
  expect(counts).toMatchObject({
    "egress.policy.denied_total": 5,
    "egress.dns.queries_total{transport=udp}": 20,
    "egress.dns.queries_total{transport=tcp}": 3,
    "egress.nftables.learned.count": 15,
    "egress.webhook.queue.count": 19,
  });
  expect(Object.keys(counts).filter((name) => /system|process|duration/.test(name))).toEqual([]);
});
