import { describe, expect, test } from "vitest";
import { conclude } from "../../../src/api/explain/conclude.ts";
import type { ExplainedAddress } from "../../../src/enforcement/explain/explain-address.ts";
import type { Decision } from "../../../src/policy/decision.ts";
import type { FlowKind } from "../../../src/policy/flow-set.ts";
import { rules } from "../../support/policy.ts";

const ADDRESS = "192.0.2.7";
const BY_DEFAULT: Decision = { action: "deny", layer: "default", rule: undefined };

function denied(by: "rule" | "default" | "ports", decision: Decision, flow?: FlowKind) {
  const found: ExplainedAddress = {
    address: ADDRESS,
    flow,
    names: ["a.example"],
    openers: [],
    isNameJudged: false,
    isQuicRefused: false,
    decision,
    matches: [],
    kernel: { passes: false, by, decision },
    flows: { answered: 0, unanswered: 0 },
    farEnd: "unknown",
    isTried: false,
  };
  return conclude({ name: undefined, addresses: [found], isAudit: false, isStrict: false }, []).patch;
}

const decided = (text: string): Decision => ({ action: "deny", layer: "user", rule: rules(text)[0] });

describe("the change that lets a flow to an address through", () => {
  test("speaks of its port where a rule with ports refuses it", () => {
    const tcp = { protocol: "tcp", port: 25 } as const;
    const allow = [{ action: "allow", target: ADDRESS, ports: [25], protocol: "tcp" }];
    expect(denied("rule", decided("deny * /25"), tcp)).toEqual({ allow, deny: [] });
    expect(denied("ports", BY_DEFAULT, tcp)).toEqual({ allow, deny: [] });
  });

  test("speaks of a protocol without ports by its name", () => {
    const icmp = { protocol: "icmp", port: 0 } as const;
    expect(denied("rule", decided("deny 192.0.2.0/24 icmp"), icmp).allow).toEqual([
      { action: "allow", target: ADDRESS, protocol: "icmp" },
    ]);
  });

  test("speaks of the address where no rule with ports refuses it, or no port was asked about", () => {
    const allow = [{ action: "allow", target: ADDRESS }];
    expect(denied("rule", decided("deny 192.0.2.0/24"), { protocol: "tcp", port: 25 }).allow).toEqual(allow);
    expect(denied("default", BY_DEFAULT, { protocol: "udp", port: 25 }).allow).toEqual(allow);
    expect(denied("rule", decided("deny * /25")).allow).toEqual(allow);
  });
});
