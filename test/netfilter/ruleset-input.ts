/** A ruleset's input as tests want it: a policy given as an operator would write it, all else as in the lab. */
import { compilePolicy, type CompiledPolicy } from "../../src/policy/compile.ts";
import type { Policy } from "../../src/policy/policy.ts";
import type { Rule } from "../../src/policy/rule.ts";
import { parseTarget } from "../../src/policy/target.ts";
import type { RulesetInput } from "../../src/netfilter/ruleset-input.ts";

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
    policy: policyOf("deny"),
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

/** `policyOf("deny", "allow 198.51.100.0/24", "deny *.example.org")` */
export function policyOf(
  defaultAction: Policy["defaultAction"],
  ...lines: readonly string[]
): CompiledPolicy {
  const egress = rulesOf(lines);
  return compilePolicy({ denyAlways: [], allowAlways: [], user: { defaultAction, egress } });
}

export function rulesOf(lines: readonly string[]): readonly Rule[] {
  return lines.map((line): Rule => {
    const [action = "", text = ""] = line.split(" ");
    const target = parseTarget(text);
    if (!target.ok || (action !== "allow" && action !== "deny")) throw new TypeError(`no rule: ${line}`);
    return { action, target: target.value };
  });
}
