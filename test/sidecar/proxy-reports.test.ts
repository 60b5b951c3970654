import { expect, test } from "vitest";
import { createProxyReports } from "../../src/sidecar/proxy-reports.ts";

function setUp() {
  const lines: unknown[] = [];
  const logger = {
    warn: (fields: object, msg: string) => void lines.push({ level: "warn", ...fields, msg }),
    info: (fields: object, msg: string) => void lines.push({ level: "info", ...fields, msg }),
  };
  const clock = { nowMs: 0 };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- these two are all that it calls
  const log = { logger } as unknown as Parameters<typeof createProxyReports>[0];
  const reports = createProxyReports(log, { host: "2001:db8::1", port: 3128 }, () => clock.nowMs);
  return { lines, clock, reports };
}

test("a proxy that goes away, and comes back, is told once each, and every try is counted", () => {
  const { lines, reports } = setUp();
  reports.onOutcome("opened", "");
  reports.onOutcome("failed", "it closed the connection");
  reports.onOutcome("failed", "it closed the connection");
  reports.onOutcome("refused", "the upstream proxy refuses");
  expect(lines).toEqual([
    expect.objectContaining({
      level: "warn",
      "opensandbox.event": "egress.upstream_proxy",
      proxy: "[2001:db8::1]:3128",
      reason: "it closed the connection",
    }),
    expect.objectContaining({ level: "info", msg: "the upstream proxy is there again" }),
  ]);
  expect(reports.figures).toEqual({ opened: 1, refused: 1, failed: 2 });
});

test("a sandbox that makes it fail again and again fills no log", () => {
  const { lines, clock, reports } = setUp();
  for (let round = 0; round < 100; round += 1) {
    reports.onOutcome("failed", "x");
    reports.onOutcome("opened", "");
  }
  expect(lines).toHaveLength(2);
  clock.nowMs = 10_000;
  reports.onOutcome("failed", "x");
  expect(lines).toHaveLength(3);
});
