import type { RulesetInput } from "../../src/netfilter/ruleset-input.ts";
import { compiledPolicy, inAudit } from "../support/policy.ts";
import { rulesetInput } from "./ruleset-input.ts";

/** Inputs whose rulesets are written down in `golden/NAME.nft`, as an operator would type them. */
export const goldenInputs: Readonly<Record<string, RulesetInput>> = {
  enforcing: rulesetInput({
    linkResolverPort: 15354,
    policy: compiledPolicy(
      "deny",
      "deny 198.51.100.66",
      "allow 198.51.100.0/24",
      "deny 203.0.113.0/24",
      "allow 2001:db8:100::/64",
      "allow *.example.org",
    ),
  }),
  audit: rulesetInput({ policy: inAudit("deny", "deny 198.51.100.66", "allow 198.51.100.0/24") }),
  names: rulesetInput({
    policy: compiledPolicy("deny", "allow 198.51.100.0/24", "allow *.example.org"),
    names: { refusedMark: 0x7a110002, hasLabels: true, judgesAnswers: true },
  }),
  apps: rulesetInput({
    policy: compiledPolicy("deny", "allow 198.51.100.7 /22 app ssh", "allow 2001:db8:100::/64 /443"),
    names: { refusedMark: 0x7a110002, hasLabels: true, judgesAnswers: false },
  }),
  "apps-unread": rulesetInput({ policy: compiledPolicy("deny", "allow 198.51.100.7 /22 app ssh") }),
  intercept: rulesetInput({
    policy: compiledPolicy("deny", "allow *.example.org"),
    intercept: { ports: [80, 443, 8443] },
    bound: { v4: ["198.51.100.1"], v6: ["2001:db8:100::1"] },
  }),
  carried: rulesetInput({
    policy: compiledPolicy("deny", "deny 198.51.100.66", "allow 198.51.100.0/24", "allow *.example.org"),
    intercept: { ports: [80, 443], isEverything: true },
    ownDestinations: [{ address: "203.0.113.9", port: 3128 }],
    names: { refusedMark: 0x7a110002, hasLabels: true, judgesAnswers: false },
    doh: ["203.0.113.7"],
  }),
  "dns-only": rulesetInput({ mode: "dns", linkResolverPort: 15354 }),
  "all-settings": rulesetInput({
    policy: compiledPolicy("allow", "deny 203.0.113.0/24"),
    upstreams: [{ address: "127.0.0.11", port: 53 }],
    ownDestinations: [{ address: "203.0.113.9", port: 4318 }],
    exemptNameservers: ["198.51.100.53"],
    inboundUdp: true,
    doh: ["203.0.113.0/25", "203.0.113.7", "203.0.113.128/25"],
    network: {
      interfaces: ["eth0", "a+b"],
      onLinkV4: ["192.0.2.2/24"],
      onLinkV6: ["fe80::1/64", "fe80::2/64"],
      ipv6: true,
    },
    restore: { v4: [{ address: "198.51.100.3", timeoutSeconds: 60, comment: "one.example.org" }], v6: [] },
    revoked: { v4: ["198.51.100.3", "203.0.113.44"], v6: ["2001:db8:100::4"] },
  }),
};
