import { expect, test } from "vitest";
import { readSettings, type Settings } from "../../src/config.ts";
import { nameOf } from "../support/policy.ts";

test("an empty environment gives the defaults", () => {
  expect(readSettings({})).toEqual({
    ok: true,
    value: {
      mode: "dns+nft",
      rules: { defaultAction: "deny", egress: [] },
      policyFile: undefined,
      httpAddress: { host: undefined, port: 18_080 },
      socketPath: "/run/opensandbox/egress.sock",
      token: undefined,
      allowLocalWrites: false,
      signedWrites: false,
      auditMode: false,
      maxRules: 4096,
      logLevel: "info",
      logOutputs: ["stdout"],
      upstreams: undefined,
      upstreamTimeoutSeconds: 5,
      probeName: nameOf("."),
      probeIntervalSeconds: 30,
      exemptNameservers: [],
      blockDoh: false,
      dohBlocklist: [],
      inboundUdp: false,
      graceSeconds: 600,
      privateAnswers: "allow",
      wireNames: "off",
      namesPerMinute: 600,
      lookupsPerMinute: 6000,
      lookupLinesPerSecond: 0,
      decisionsKept: 4096,
      otlpTemporality: "cumulative",
      denyWebhook: undefined,
      sandboxId: undefined,
      extraAttributes: {},
      otlpMetricsUrl: undefined,
      otlpIntervalMs: 60_000,
      rulesDirectory: "/var/egress/rules",
      requiredProtections: [],
      allowHostNetns: false,
    } satisfies Settings,
  });
});
