import { describe, expect, test } from "vitest";
import { compileRuleset } from "../../src/netfilter/chains/compile-ruleset.ts";
import { renderRange } from "../../src/netfilter/ranges/address-octets.ts";
import { findDelta, type RulesetDelta } from "../../src/netfilter/ruleset-delta.ts";
import type { RulesetInput } from "../../src/netfilter/ruleset-input.ts";
import { compiledPolicy } from "../support/policy.ts";
import { NAMES } from "./name-marks.ts";
import { MARKS, rulesetInput } from "./ruleset-input.ts";

function delta(before: Partial<RulesetInput>, after: Partial<RulesetInput>): RulesetDelta | undefined {
  return findDelta(compileRuleset(rulesetInput(before)), compileRuleset(rulesetInput(after)));
}

describe("a change of policy that is little", () => {
  test("of names alone is a new generation", () => {
    const one = { policy: compiledPolicy("deny", "allow a.example.org"), generation: 7 };
    const other = { policy: compiledPolicy("deny", "deny a.example.org"), generation: 8 };
    expect(delta(one, other)).toMatchObject({
      ofGeneration: [
        { name: "current", rules: [{ kind: "established", mark: 8, verdict: "accept" }] },
        { name: "admit", rules: [{ kind: "set", mark: 8, verdict: "accept" }] },
      ],
      ranges: [],
    });
  });

  test("of names, where connections are judged by them, is a new generation, too", () => {
    const change = delta({ names: NAMES, generation: 7 }, { names: NAMES, generation: 8 });
    expect(change?.ofGeneration.map(({ name }) => name)).toEqual([
      "current",
      "admit",
      "unverified",
      "unnamed",
      "admit_unnamed",
      "admit_verified",
      "admit_begun",
      "begin",
      "go_on",
      "hello_answered",
    ]);
    expect(change?.ranges).toEqual([]);
  });

  test("of one prefix is that prefix", () => {
    const one = { policy: compiledPolicy("deny", "allow 192.0.2.0/24", "allow 203.0.113.0/24") };
    const other = { policy: compiledPolicy("deny", "allow 192.0.2.0/25", "allow 203.0.113.0/24") };
    const ranges = delta(one, other)?.ranges.map(({ set, gone, come }) => ({
      set,
      gone: gone.map(renderRange),
      come: come.map(renderRange),
    }));
    expect(ranges).toEqual([
      { set: "allow_v4", gone: ["192.0.2.0-192.0.2.255"], come: ["192.0.2.0-192.0.2.127"] },
    ]);
  });

  test.each<[string, string, readonly unknown[]]>([
    [
      "a host that changes sides is in two sets of hosts",
      "deny 198.51.100.7",
      [
        { set: "allow_host_v4", kind: "host", gone: ["198.51.100.7"], come: [] },
        { set: "deny_host_v4", kind: "host", gone: [], come: ["198.51.100.7"] },
      ],
    ],
    [
      "two neighbours are a span, and no hosts any more",
      "allow 198.51.100.8",
      [
        { set: "allow_host_v4", kind: "host", gone: ["198.51.100.7"], come: [] },
        { set: "allow_v4", kind: "span", gone: [], come: ["198.51.100.7-198.51.100.8"] },
      ],
    ],
    [
      "a prefix of one IPv6 address is a host",
      "allow 2001:db8::7/128",
      [{ set: "allow_host_v6", kind: "host", gone: [], come: ["2001:db8::7"] }],
    ],
  ])("%s", (_, rule, expected) => {
    const one = { policy: compiledPolicy("deny", "allow 198.51.100.7") };
    const other = { policy: compiledPolicy("deny", rule, "allow 198.51.100.7") };
    const ranges = delta(one, other)?.ranges.map(({ gone, come, ...change }) => ({
      ...change,
      gone: gone.map(renderRange),
      come: come.map(renderRange),
    }));
    expect(ranges).toEqual(expected);
  });

  test("in dns mode has no generation", () => {
    expect(delta({ mode: "dns" }, { mode: "dns", generation: 9 })).toEqual({
      ofGeneration: [],
      ranges: [],
      flows: [],
      changes: expect.anything(),
    });
  });
});

describe("more than a delta can say is", () => {
  const network = rulesetInput().network;
  test.each<[string, Partial<RulesetInput>]>([
    ["another default action", { policy: compiledPolicy("allow") }],
    ["another interface", { network: { ...network, interfaces: [...network.interfaces, "eth9"] } }],
    ["another prefix on the link", { network: { ...network, onLinkV4: ["198.51.100.0/24"] } }],
    ["another upstream", { upstreams: [{ address: "192.0.2.99", port: 53 }] }],
    ["another mark", { marks: { ...MARKS, mark: 11 } }],
    ["another group", { marks: { ...MARKS, group: undefined } }],
    ["another port of the resolver", { resolverPort: 15_354 }],
    ["a setting", { inboundUdp: true }],
    ["a way for our own traffic", { ownDestinations: [{ address: "192.0.2.9", port: 443 }] }],
    ["another mode", { mode: "dns" }],
  ])("%s", (_, after) => {
    expect(
      delta({ policy: compiledPolicy("deny") }, { policy: compiledPolicy("deny"), ...after }),
    ).toBeUndefined();
  });

  test("thousands of ranges", () => {
    const rules = Array.from({ length: 3000 }, (_, index) => `allow 10.${index >> 8}.${index & 255}.1`);
    expect(
      delta({ policy: compiledPolicy("deny") }, { policy: compiledPolicy("deny", ...rules) }),
    ).toBeUndefined();
  });
});
