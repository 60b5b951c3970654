import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileRuleset } from "../../../src/netfilter/chains/compile-ruleset.ts";
import { flowsOfPieces, piecesOf, renderPiece } from "../../../src/netfilter/ranges/flow-pieces.ts";
import {
  diffFlowRanges,
  type FlowRange,
  listFlowRanges,
  renderFlowRange,
  type FlowVerdict,
  type ScopedRanges,
} from "../../../src/netfilter/ranges/scoped-ranges.ts";
import { compareOctets } from "../../../src/netfilter/ranges/address-octets.ts";
import { renderRuleset } from "../../../src/netfilter/render-nft.ts";
import { readFlowElement, encodeFlowRange } from "../../../src/netfilter/wire/flow-key.ts";
import { asksForApp } from "../../../src/policy/app.ts";
import { parseAddress } from "../../../src/policy/address.ts";
import type { CompiledPolicy } from "../../../src/policy/compile.ts";
import { decideAddress, decideAddressFlow } from "../../../src/policy/decide-address.ts";
import { EVERY_FLOW, flowKindOf, isSame, minus, NO_FLOWS } from "../../../src/policy/flow-set.ts";
import { anyIpv4, anyIpv6, anyScopedRule, PORTS_ASKED } from "../../policy/arbitraries.ts";
import { compiledPolicy, valueOf } from "../../support/policy.ts";
import { rulesetInput } from "../ruleset-input.ts";

function rangesOf(policy: CompiledPolicy, octets: 4 | 16, action: FlowVerdict): ScopedRanges {
  const trie = octets === 4 ? policy.rules.v4 : policy.rules.v6;
  return { octets, rules: trie, scoped: policy.scoped, action, asks: true };
}

function list(ranges: ScopedRanges): readonly FlowRange[] {
  return [...listFlowRanges(ranges)].filter((range) => range !== undefined);
}

function texts(action: FlowVerdict, ...egress: readonly string[]): readonly string[] {
  const policy = compiledPolicy("deny", ...egress);
  return [...list(rangesOf(policy, 4, action)), ...list(rangesOf(policy, 16, action))].map(renderFlowRange);
}

describe("what rules with ports say of addresses", () => {
  test.each<[string, FlowVerdict, readonly string[], readonly string[]]>([
    ["one address", "allow", ["allow 192.0.2.7 /443"], ["192.0.2.7 . 6 . 443"]],
    [
      "a deny without a protocol is of UDP, too",
      "deny",
      ["deny 2001:db8::7 /443"],
      ["2001:db8::7 . 6 . 443", "2001:db8::7 . 17 . 443"],
    ],
    [
      "an earlier rule without ports cuts the prefix",
      "deny",
      ["allow 192.0.2.7", "deny 192.0.2.0/24 tcp/25"],
      ["192.0.2.0-192.0.2.6 . 6 . 25", "192.0.2.8-192.0.2.255 . 6 . 25"],
    ],
    [
      "a later one does not",
      "deny",
      ["deny 192.0.2.0/24 tcp/25", "allow 192.0.2.7"],
      ["192.0.2.0-192.0.2.255 . 6 . 25"],
    ],
    [
      "what a rule without ports says anyway is left to the sets of addresses",
      "allow",
      ["allow 192.0.2.0/31 /443", "allow 192.0.2.0"],
      ["192.0.2.1 . 6 . 443"],
    ],
    [
      "ports are parted by the first rule",
      "allow",
      ["deny 192.0.2.7 tcp/85", "allow 192.0.2.7 /80-90"],
      ["192.0.2.7 . 6 . 80-84", "192.0.2.7 . 6 . 86-90"],
    ],
    [
      "every destination is both spaces",
      "deny",
      ["deny * tcp/25"],
      ["0.0.0.0-255.255.255.255 . 6 . 25", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff . 6 . 25"],
    ],
    [
      "ICMP is each family's own",
      "allow",
      ["allow * icmp"],
      ["0.0.0.0-255.255.255.255 . 1 . 0-65535", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff . 58 . 0-65535"],
    ],
    [
      "what has to be spoken is asked, also where a rule without ports behind would allow it",
      "ask",
      [
        "deny 192.0.2.7 /22",
        "allow 192.0.2.6/31 /22-23 app ssh",
        "allow 192.0.2.0/24",
        "allow 192.0.2.0/24 /25 app tls",
      ],
      ["192.0.2.6 . 6 . 22-23", "192.0.2.7 . 6 . 23"],
    ],
    ["any asks for nothing", "ask", ["allow 192.0.2.7 /22 app any"], []],
    ["names are none", "allow", ["allow a.example /443"], []],
  ])("%s", (_title, action, egress, expected) => {
    expect(texts(action, ...egress)).toEqual(expected);
  });
});

const anyRules = fc.array(anyScopedRule, { maxLength: 25 });

/** Elements of the set that hold the flow. */
function holding(
  ranges: readonly FlowRange[],
  octets: Uint8Array,
  protocol: number,
  port: number,
): readonly FlowRange[] {
  return ranges.filter(
    ({ first, last, piece }) =>
      compareOctets(first, octets) <= 0 &&
      compareOctets(octets, last) <= 0 &&
      piece.protocols.first <= protocol &&
      protocol <= piece.protocols.last &&
      piece.ports.first <= port &&
      port <= piece.ports.last,
  );
}

test("the sets, and behind them those of addresses alone, decide each flow as the list does, and no two elements overlap", () => {
  fc.assert(
    fc.property(anyRules, fc.array(fc.oneof(anyIpv4, anyIpv6), { maxLength: 8 }), (egress, addresses) => {
      const policy = compiledPolicy("deny", ...egress);
      for (const address of addresses) {
        const { octets } = valueOf(parseAddress(address));
        const length = octets.length === 4 ? 4 : 16;
        const allow = list(rangesOf(policy, length, "allow"));
        const deny = list(rangesOf(policy, length, "deny"));
        const ask = list(rangesOf(policy, length, "ask"));
        for (const protocol of [0, 1, 6, 17, 58, 132]) {
          for (const port of PORTS_ASKED) {
            const flow = flowKindOf(length, protocol, port);
            const wanted = decideAddressFlow(policy, octets, flow);
            const found = [
              ...holding(allow, octets, protocol, port).map(() => "allow"),
              ...holding(deny, octets, protocol, port).map(() => "deny"),
              ...holding(ask, octets, protocol, port).map(() => "ask"),
            ];
            expect(found.length).toBeLessThanOrEqual(1);
            const base = decideAddress(policy, octets, 0, length);
            const said = found[0] ?? (base.rule === undefined ? undefined : base.action);
            const isAsked = asksForApp(wanted.rule?.scope?.app);
            const verdict = isAsked ? "ask" : wanted.action;
            expect(said).toBe(wanted.rule === undefined ? undefined : verdict);
          }
        }
      }
    }),
    { numRuns: 60 },
  );
});

test("a difference is what only one of two has", () => {
  fc.assert(
    fc.property(anyRules, anyRules, (one, other) => {
      const [before, after] = [compiledPolicy("deny", ...one), compiledPolicy("deny", ...other)];
      for (const octets of [4, 16] as const) {
        const [from, to] = [rangesOf(before, octets, "allow"), rangesOf(after, octets, "allow")];
        const held = new Set(list(from).map(renderFlowRange));
        const delta = diffFlowRanges(from, to, 10_000);
        delta?.gone.forEach((range) => held.delete(renderFlowRange(range)));
        delta?.come.forEach((range) => held.add(renderFlowRange(range)));
        expect([...held].toSorted()).toEqual(list(to).map(renderFlowRange).toSorted());
      }
    }),
    { numRuns: 100 },
  );
});

test("a difference of more rules than may be looked at is none", () => {
  const egress = Array.from({ length: 50 }, (_, index) => `allow 192.0.2.${index * 2} /443`);
  const [from, to] = [compiledPolicy("deny"), compiledPolicy("deny", ...egress)];
  expect(diffFlowRanges(rangesOf(from, 4, "allow"), rangesOf(to, 4, "allow"), 20)).toBeUndefined();
  expect(diffFlowRanges(rangesOf(to, 4, "allow"), rangesOf(to, 4, "allow"), 20)).toEqual({
    gone: [],
    come: [],
  });
});

describe("pieces of flows", () => {
  const https = { ...NO_FLOWS, tcp: [{ first: 443, last: 443 }] };
  test.each([
    ["one port", https, 4, ["6 . 443"]],
    [
      "all but one port",
      minus(EVERY_FLOW, https),
      4,
      ["0-5 . 0-65535", "6 . 0-442", "6 . 444-65535", "7-255 . 0-65535"],
    ],
    ["ICMP of IPv6", { ...NO_FLOWS, icmp: EVERY_FLOW.icmp }, 16, ["58 . 0-65535"]],
    ["all", EVERY_FLOW, 16, ["0-255 . 0-65535"]],
    ["none", NO_FLOWS, 4, []],
  ] as const)("%s", (_title, flows, octets, expected) => {
    const pieces = piecesOf(flows, octets);
    expect(pieces.map(renderPiece)).toEqual(expected);
    expect(isSame(flowsOfPieces(pieces, octets), flows)).toBe(true);
  });

  test("are keys of an element as the kernel keeps them", () => {
    // nft --debug=netlink add element inet t a { 203.0.113.9 . tcp . 443-8080 }
    const [piece] = piecesOf({ ...NO_FLOWS, tcp: [{ first: 443, last: 8080 }] }, 4);
    if (piece === undefined) throw new Error("no piece");
    const address = Uint8Array.of(203, 0, 113, 9);
    const { key, keyEnd } = encodeFlowRange(address, address, piece);
    expect(Buffer.from(key).toString("hex")).toBe("cb0071090600000001bb0000");
    expect(Buffer.from(keyEnd).toString("hex")).toBe("cb007109060000001f900000");
    expect(readFlowElement(4, Buffer.from(key), Buffer.from(keyEnd))).toEqual({
      address: Buffer.from(address),
      piece,
    });
    expect(readFlowElement(16, Buffer.from(key), Buffer.from(keyEnd))).toBeUndefined();
  });
});

function rendered(policy: CompiledPolicy): string {
  return renderRuleset(compileRuleset(rulesetInput({ policy })));
}

test("a policy without scopes compiles to the very same ruleset, whatever had a scope before", () => {
  const plain = ["allow a.example", "deny 192.0.2.0/24", "allow 2001:db8::/32"];
  const before = compiledPolicy("deny", ...plain);
  const scoped = compiledPolicy("deny", ...plain, "allow b.example /443", "deny * /25");
  expect(rendered(before)).not.toContain("_ports_");
  expect(rendered(before)).not.toContain("by_port");
  expect(rendered(scoped)).toContain("ip daddr . meta l4proto . th dport @deny_ports_v4 jump refuse");
  const left = rendered(scoped)
    .split("\n")
    .filter((line) => !/_ports_|by_port/.test(line));
  expect(left).toEqual(rendered(before).split("\n"));
});
