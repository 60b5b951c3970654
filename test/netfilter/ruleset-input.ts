/**
 * A ruleset's input as tests want it: a policy given as an operator would write it, all else as in the lab.
 */
import type { RulesetInput } from "../../src/netfilter/ruleset-input.ts";
import { compiledPolicy } from "../support/policy.ts";

export const MARKS = {
  mark: 0x1a2b3c4d,
  priority: 0x5e6f7a1b,
  group: 3_000_000_007,
  stampMark: 0x5a5a1234,
  stampPriority: 0x1a2b3c4d,
};

/** One sandbox with `eth0`, IPv4 and IPv6; nothing is allowed. */
export function rulesetInput(changes: Partial<RulesetInput> = {}): RulesetInput {
  return {
    mode: "dns+nft",
    policy: compiledPolicy("deny"),
    generation: 7,
    marks: MARKS,
    upstreams: [
      { address: "192.0.2.1", port: 53 },
      { address: "2001:db8::1", port: 53 },
    ],
    exemptNameservers: [],
    resolverPort: 15353,
    api: { host: undefined, port: 18080 },
    network: {
      interfaces: ["eth0"],
      onLinkV4: ["192.0.2.2/24"],
      onLinkV6: ["2001:db8::2/64", "fe80::1/64"],
      ipv6: true,
    },
    inboundUdp: false,
    doh: undefined,
    restore: { v4: [], v6: [] },
    revoked: { v4: [], v6: [] },
    ...changes,
  };
}
