import { nameOf } from "../support/policy.ts";
import { INTERCEPTION_CASES } from "./interception-setting-cases.ts";
import { OBSERVABILITY_CASES } from "./observability-setting-cases.ts";
import { VAULT_CASES } from "./vault-setting-cases.ts";
import type { SettingCase } from "./setting-case.ts";

/** A policy whose rules have so many different scopes. */
const ofScopes = (count: number): string =>
  JSON.stringify({
    egress: Array.from({ length: count }, (_, index) => ({
      action: "allow",
      target: "example.org",
      ports: [index + 1],
    })),
  });

/**
 * For each variable: texts that are read, with what they give in the settings; texts that are read with a
 * warning; and texts that are refused.
 */
export const CASES: readonly SettingCase[] = [
  {
    name: "OPENSANDBOX_EGRESS_MODE",
    accepted: [
      ["dns", { mode: "dns" }],
      ["nft+DNS", { mode: "dns+nft" }],
      [" dns + nft ", { mode: "dns+nft" }],
      ["", { mode: "dns+nft" }],
    ],
    refused: ["nft", "dns,nft", "dns+", "off"],
  },
  {
    name: "OPENSANDBOX_EGRESS_POLICY_FILE",
    accepted: [
      ["/var/egress/policy.json", { policyFile: "/var/egress/policy.json" }],
      ["", { policyFile: undefined }],
    ],
    refused: ["policy.json"],
  },
  { name: "OPENSANDBOX_EGRESS_AUDIT", accepted: [["true", { auditMode: true }]], refused: ["audit"] },
  {
    name: "OPENSANDBOX_EGRESS_HTTP_ADDR",
    accepted: [
      [":8080", { httpAddress: { host: undefined, port: 8080 } }],
      ["[::]:8080", { httpAddress: { host: undefined, port: 8080 } }],
      ["0.0.0.0:8080", { httpAddress: { host: "0.0.0.0", port: 8080 } }],
      ["127.0.0.1:18080", { httpAddress: { host: "127.0.0.1", port: 18080 } }],
      ["[::1]:18080", { httpAddress: { host: "::1", port: 18080 } }],
      ["localhost:18080", { httpAddress: { host: "127.0.0.1", port: 18080 } }],
    ],
    refused: [
      "18080",
      ":0",
      ":65536",
      "::1:18080",
      "[127.0.0.1]:1",
      "example.org:80",
      ":http",
      "http://:80",
      ":53",
      "192.0.2.2:15353",
    ],
  },
  {
    name: "OPENSANDBOX_EGRESS_SOCKET",
    accepted: [
      ["/tmp/e.sock", { socketPath: "/tmp/e.sock" }],
      ["", { socketPath: undefined }],
    ],
    refused: ["e.sock", `/${"x".repeat(107)}`],
  },
  {
    name: "OPENSANDBOX_EGRESS_TOKEN",
    accepted: [
      ["s3cret with blanks", { token: "s3cret with blanks" }],
      ["", { token: undefined }],
    ],
    refused: ["s3cret\n", " s3cret", "s3\u0000cret"],
  },
  {
    name: "OPENSANDBOX_EGRESS_ALLOW_LOCAL_WRITES",
    accepted: [
      ["TRUE", { allowLocalWrites: true }],
      ["1", { allowLocalWrites: true }],
      ["off", { allowLocalWrites: false }],
    ],
    refused: ["maybe", "2"],
  },
  {
    name: "OPENSANDBOX_EGRESS_SIGNED_WRITES",
    accepted: [["false", { signedWrites: false }]],
    refused: ["yes?"],
  },
  {
    name: "OPENSANDBOX_EGRESS_MAX_RULES",
    accepted: [
      ["0", { maxRules: 0 }],
      [" 100000 ", { maxRules: 100_000 }],
    ],
    refused: ["-1", "1.5", "1e3", "many", "99999999999999999999"],
  },
  {
    name: "OPENSANDBOX_EGRESS_WILDCARD_NAMES_PER_MINUTE",
    accepted: [
      ["0", { namesPerMinute: 0 }],
      ["10000", { namesPerMinute: 10_000 }],
    ],
    refused: ["-1", "off", "4294967296"],
  },
  {
    name: "OPENSANDBOX_EGRESS_WILDCARD_LOOKUPS_PER_MINUTE",
    accepted: [["4294967295", { lookupsPerMinute: 4_294_967_295 }]],
    refused: ["1.5", "none"],
  },
  {
    name: "OPENSANDBOX_EGRESS_LOG_LEVEL",
    accepted: [
      ["WARN", { logLevel: "warn" }],
      ["warning", { logLevel: "warn" }],
      ["Fatal", { logLevel: "error" }],
      [" ", { logLevel: "info" }],
    ],
    warned: [
      ["trace", { logLevel: "info" }],
      ["verbose", { logLevel: "info" }],
    ],
    refused: [],
  },
  {
    name: "OPENSANDBOX_LOG_OUTPUT",
    accepted: [
      ["stdout, /var/log/egress.log,stdout,", { logOutputs: ["stdout", "/var/log/egress.log"] }],
      ["stderr", { logOutputs: ["stderr"] }],
    ],
    refused: ["egress.log", "stdout,syslog", ","],
  },
  {
    name: "OPENSANDBOX_EGRESS_DNS_UPSTREAM",
    accepted: [
      ["192.0.2.53", { upstreams: [{ address: "192.0.2.53", port: 53 }] }],
      [
        "192.0.2.53:5353, 2001:DB8::53,[2001:db8:0::53]:53",
        {
          upstreams: [
            { address: "192.0.2.53", port: 5353 },
            { address: "2001:db8::53", port: 53 },
          ],
        },
      ],
      ["[2001:db8::53]", { upstreams: [{ address: "2001:db8::53", port: 53 }] }],
      ["fe80::1%eth0", { upstreams: [{ address: "fe80::1%eth0", port: 53 }] }],
      ["[FE80::1%eth0]:5353", { upstreams: [{ address: "fe80::1%eth0", port: 5353 }] }],
      ["", { upstreams: undefined }],
    ],
    refused: [
      "dns.example.org",
      "192.0.2.53:0",
      "192.0.2.53:99999",
      "192.0.2.0/24",
      "[192.0.2.1",
      "192.0.2.1,x",
      "fe80::1",
      "fe80::1%",
      'fe80::1%eth"0',
      "fe80::1%an-interface-too-long",
      "2001:db8::53%eth0",
      "192.0.2.53%eth0",
    ],
  },
  {
    name: "OPENSANDBOX_EGRESS_DNS_UPSTREAM_TIMEOUT",
    accepted: [["120", { upstreamTimeoutSeconds: 120 }]],
    warned: [
      ["0", { upstreamTimeoutSeconds: 5 }],
      ["300", { upstreamTimeoutSeconds: 120 }],
      ["2.5", { upstreamTimeoutSeconds: 5 }],
      ["5s", { upstreamTimeoutSeconds: 5 }],
      ["-1", { upstreamTimeoutSeconds: 5 }],
    ],
    refused: [],
  },
  {
    name: "OPENSANDBOX_EGRESS_DNS_UPSTREAM_PROBE",
    accepted: [
      [".", { probeName: nameOf(".") }],
      ["Example.ORG.", { probeName: nameOf("example.org") }],
    ],
    refused: ["exa mple", "a..b"],
  },
  {
    name: "OPENSANDBOX_EGRESS_DNS_UPSTREAM_PROBE_INTERVAL_SEC",
    accepted: [["1", { probeIntervalSeconds: 1 }]],
    refused: ["0", "3601"],
  },
  {
    name: "OPENSANDBOX_EGRESS_NAMESERVER_EXEMPT",
    accepted: [["192.0.2.1, ::ffff:192.0.2.1", { exemptNameservers: ["192.0.2.1"] }]],
    refused: ["192.0.2.1:53", "ns.example.org"],
  },
  {
    name: "OPENSANDBOX_EGRESS_BLOCK_DOH_443",
    accepted: [["yes", { blockDoh: true }]],
    refused: ["443"],
  },
  {
    name: "OPENSANDBOX_EGRESS_DOH_BLOCKLIST",
    accepted: [
      [
        "192.0.2.1,198.51.100.7/24,2001:db8::/32",
        { dohBlocklist: ["192.0.2.1", "198.51.100.0/24", "2001:db8::/32"] },
      ],
    ],
    refused: ["dns.example.org", "10.0.0.0/33"],
  },
  {
    name: "OPENSANDBOX_EGRESS_LEARNED_GRACE",
    accepted: [
      ["0", { graceSeconds: 0 }],
      ["86400", { graceSeconds: 86_400 }],
    ],
    refused: ["-1", "86401", "ten"],
  },
  {
    name: "OPENSANDBOX_EGRESS_PRIVATE_ANSWERS",
    accepted: [["Deny", { privateAnswers: "deny" }]],
    refused: ["block"],
  },
  {
    name: "OPENSANDBOX_EGRESS_WIRE_NAMES",
    accepted: [
      ["Known", { wireNames: "known" }],
      ["strict", { wireNames: "strict" }],
    ],
    refused: ["on", "true", "known,strict"],
  },
  {
    name: "OPENSANDBOX_EGRESS_RULES_DIR",
    accepted: [["/rules", { rulesDirectory: "/rules" }]],
    refused: ["rules"],
  },
  {
    name: "OPENSANDBOX_EGRESS_REQUIRE",
    accepted: [
      ["raw-frames", { requiredProtections: ["raw-frames"] }],
      [" idle-flows, raw-frames,idle-flows ", { requiredProtections: ["idle-flows", "raw-frames"] }],
      ["", { requiredProtections: [] }],
    ],
    refused: ["raw-frame", "Raw-Frames", "raw-frames idle-flows", "all", "toString", ","],
  },
  {
    name: "OPENSANDBOX_EGRESS_ALLOW_HOST_NETNS",
    accepted: [["true", { allowHostNetns: true }]],
    refused: ["host"],
  },
  {
    name: "OPENSANDBOX_EGRESS_RULES",
    accepted: [
      ["", { rules: { defaultAction: "deny", egress: [] } }],
      ['{"defaultAction":"allow"}', { rules: { defaultAction: "allow", egress: [] } }],
    ],
    refused: ["{", "[]", '{"defaultAction":"maybe"}', '{"egress":[{"target":"*"}]}', ofScopes(257)],
  },
  { name: "OPENSANDBOX_EGRESS_INBOUND_UDP", accepted: [["on", { inboundUdp: true }]], refused: ["udp"] },
  ...OBSERVABILITY_CASES,
  ...INTERCEPTION_CASES,
  ...VAULT_CASES,
];
