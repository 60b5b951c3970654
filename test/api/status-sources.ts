/**
 * Sources of `GET /status` as the API's tests want them: two learned addresses, nothing else out of the
 * ordinary.
 */
import type { StatusSources } from "../../src/api/status.ts";
import type { SandboxReport } from "../../src/enforcement/sandbox-report.ts";
import { nameOf } from "../support/policy.ts";

export const REPORT: SandboxReport = {
  unreadRules: [],
  layers: { denyAlways: [], allowAlways: [], user: { defaultAction: "deny", egress: [] } },
  generation: 7,
  interfaces: { guarded: ["eth0"], unguarded: [] },
  upstreams: [{ address: "192.0.2.1", port: 53, alive: true }],
  resolver: [
    { address: "127.0.0.1", port: 15_353 },
    { address: "::1", port: 15_353 },
  ],
  learned: {
    total: 2,
    bound: 65_536,
    addresses: [
      {
        octets: Uint8Array.of(198, 51, 100, 1),
        owners: [nameOf("one.example.org")],
        leftMs: 59_999,
        unusedMs: 1500,
      },
      {
        octets: Uint8Array.from([0x20, 1, 0x0d, 0xb8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        owners: [nameOf("two.example.org"), nameOf("one.example.org")],
        leftMs: undefined,
        unusedMs: 0,
      },
    ],
    next: undefined,
  },
};

export function statusSources(changes: Partial<StatusSources> = {}): StatusSources {
  return {
    version: "1.2.3",
    sandboxId: undefined,
    uptimeSeconds: () => 90.9,
    report: () => REPORT,
    ruleFiles: () => ({
      rules: { denyAlways: [], allowAlways: [], logSkip: [] },
      files: { denyAlways: "/rules/deny.always", allowAlways: undefined, logSkip: undefined },
      problems: [],
    }),
    protections: () => [{ name: "connections", state: "on", required: false }],
    tcpState: () => ({ isOpen: true }),
    counters: () => ({ "egress.policy.denied_total": 3 }),
    ...changes,
  };
}
