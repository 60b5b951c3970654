import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAddress } from "../../src/policy/address.ts";
import { type CompiledPolicy, compilePolicy } from "../../src/policy/compile.ts";
import { decideAddress } from "../../src/policy/decide-address.ts";
import { decideName } from "../../src/policy/decide-name.ts";
import type { Decision } from "../../src/policy/decision.ts";
import { parsePrefix, renderPrefix } from "../../src/policy/prefix.ts";
import { listMatches } from "../../src/policy/rule-trie.ts";
import type { RuleTarget } from "../../src/policy/target.ts";
import { anyAction, anyIpv4, anyIpv6, anyName, anyRule, anyTarget } from "./arbitraries.ts";
import {
  allowByDefault,
  compiled,
  denyByDefault,
  qname,
  rules,
  target as targetOf,
  targets,
  valueOf,
} from "../support/policy.ts";

function decideText(policy: CompiledPolicy, address: string): Decision {
  const { family, octets } = valueOf(parseAddress(address));
  return decideAddress(policy, octets, 0, family === 4 ? 4 : 16);
}

describe("the first match in list order decides a name", () => {
  test.each([
    [["allow *.example.org", "deny api.example.org"], "api.example.org", "allow"],
    [["deny api.example.org", "allow *.example.org"], "api.example.org", "deny"],
    [["deny api.example.org", "allow *.example.org"], "www.example.org", "allow"],
    [["allow *.example.org"], "example.org", "deny"],
    [["allow *.example.org"], "a.b.c.example.org", "allow"],
    [["allow *.example.org"], "notexample.org", "deny"],
    [["allow *.example.org"], "example.org.evil.example", "deny"],
    [["allow example.org"], "www.example.org", "deny"],
    [["allow *.org", "deny *.example.org"], "www.example.org", "allow"],
    [["deny *.example.org", "allow *.org"], "www.example.org", "deny"],
    [["allow *.org"], "org", "deny"],
    [["allow localhost"], "localhost", "allow"],
    [["allow *.a.b.c.d.e"], "d.e", "deny"],
    [["deny example.org", "allow example.org"], "example.org", "deny"],
    [["allow *.example.org"], "", "deny"],
    [["allow 192.0.2.0/24"], "192.0.2.7", "deny"],
  ])("%j: %s is %s", (egress, name, action) => {
    expect(decideName(compiled(denyByDefault(...egress)), qname(name)).action).toBe(action);
  });
});

describe("the first match in list order decides an address", () => {
  test.each([
    [["allow 192.0.2.0/24", "deny 192.0.2.7"], "192.0.2.7", "allow"],
    [["deny 192.0.2.7", "allow 192.0.2.0/24"], "192.0.2.7", "deny"],
    [["deny 192.0.2.7", "allow 192.0.2.0/24"], "192.0.2.8", "allow"],
    [["deny 192.0.2.7", "allow 192.0.2.0/24"], "192.0.3.0", "deny"],
    [["allow 0.0.0.0/0"], "255.255.255.255", "allow"],
    [["allow 0.0.0.0/0"], "2001:db8::1", "deny"],
    [["allow ::/0"], "192.0.2.7", "deny"],
    [["allow ::/0"], "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "allow"],
    [["allow 2001:db8::/32", "deny 2001:db8:1::/48"], "2001:db8:1::1", "allow"],
    [["deny 2001:db8:1::/48", "allow 2001:db8::/32"], "2001:db8:1::1", "deny"],
    [["allow ::ffff:192.0.2.0/120"], "192.0.2.7", "allow"],
  ])("%j: %s is %s", (egress, address, action) => {
    expect(decideText(compiled(denyByDefault(...egress)), address).action).toBe(action);
  });
});

test("an IPv4-mapped address on the wire is judged as the IPv4 address", () => {
  const policy = compiled(allowByDefault("deny 192.0.2.7", "allow ::/0"));
  const octets = Uint8Array.of(9, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7, 9);
  expect(decideAddress(policy, octets, 2, 16).action).toBe("deny");
  expect(decideAddress(policy, octets, 14, 4).action).toBe("deny");
});

test("an address that does not lie within its buffer is a mistake of the caller", () => {
  const policy = compiled(allowByDefault());
  expect(() => decideAddress(policy, new Uint8Array(15), 0, 16)).toThrow(RangeError);
  expect(() => decideAddress(policy, new Uint8Array(8), 5, 4)).toThrow(RangeError);
  expect(() => decideAddress(policy, new Uint8Array(8), -1, 4)).toThrow(RangeError);
});

describe("layers decide from the highest down", () => {
  const policy = compilePolicy({
    denyAlways: targets("a.example", "192.0.2.1"),
    allowAlways: targets("a.example", "*.b.example", "192.0.2.0/30"),
    user: { defaultAction: "allow", egress: rules("deny *.example", "deny 192.0.2.0/24") },
  });
  test.each([
    ["a.example", "deny", "deny.always"],
    ["x.b.example", "allow", "allow.always"],
    ["b.example", "deny", "user"],
    ["example", "allow", "default"],
  ])("%s: %s by %s", (name, action, layer) => {
    expect(decideName(policy, qname(name))).toMatchObject({ action, layer });
  });
  test.each([
    ["192.0.2.1", "deny", "deny.always"],
    ["192.0.2.2", "allow", "allow.always"],
    ["192.0.2.4", "deny", "user"],
    ["192.0.3.0", "allow", "default"],
    ["2001:db8::1", "allow", "default"],
  ])("%s: %s by %s", (address, action, layer) => {
    expect(decideText(policy, address)).toMatchObject({ action, layer });
  });
});

test("a decision names its rule, is frozen, and is one value for each rule", () => {
  const user = denyByDefault("allow *.example.org", "allow 192.0.2.0/24");
  const policy = compiled(user);
  const decision = decideName(policy, qname("a.example.org"));
  expect(decision.rule).toBe(user.egress[0]);
  expect(decideName(policy, qname("b.example.org"))).toBe(decision);
  expect(decideText(policy, "192.0.2.1").rule).toBe(user.egress[1]);
  expect(Object.isFrozen(decision)).toBe(true);
  expect(Object.isFrozen(policy.fallback)).toBe(true);
  expect(decideName(policy, qname("example.com"))).toEqual({
    action: "deny",
    layer: "default",
    rule: undefined,
  });
});

/**
 * Whether a target matches, said without indexes or words: by text for names, by masking anew for addresses.
 */
function plainlyMatches(
  target: RuleTarget,
  asked: { readonly name?: string; readonly address?: string },
): boolean {
  if (target.kind === "everywhere") return true;
  if (target.kind !== "prefix") {
    if (asked.name === undefined) return false;
    return target.kind === "name" ? asked.name === target.key : asked.name.endsWith(target.key.slice(1));
  }
  if (asked.address === undefined) return false;
  const { family, octets } = valueOf(parseAddress(asked.address));
  if (family !== target.prefix.family) return false;
  return (
    renderPrefix(valueOf(parsePrefix(`${asked.address}/${target.prefix.length}`))) === target.key &&
    octets.length > 0
  );
}

function shown({ action, layer, rule }: Decision): object {
  return { action, layer, target: rule?.target };
}

const anyLayers = fc
  .record({
    deny: fc.array(anyTarget, { maxLength: 4 }),
    allow: fc.array(anyTarget, { maxLength: 4 }),
    egress: fc.array(anyRule, { maxLength: 40 }),
    defaultAction: anyAction,
  })
  .map(({ deny, allow, egress, defaultAction }) => ({
    layers: {
      denyAlways: targets(...deny),
      allowAlways: targets(...allow),
      user: { defaultAction, egress: rules(...egress) },
    },
    list: [
      ...targets(...deny).map((target) => ({ action: "deny", layer: "deny.always", target })),
      ...targets(...allow).map((target) => ({ action: "allow", layer: "allow.always", target })),
      ...rules(...egress).map(({ action, target }) => ({ action, layer: "user", target })),
      { action: defaultAction, layer: "default", target: undefined },
    ],
  }));

test("the matches of a name or an address are all rules of the list that match it, in the list's order", () => {
  const anyAsked = fc.oneof(
    anyName.map((name) => ({ name })),
    fc.oneof(anyIpv4, anyIpv6).map((address) => ({ address })),
  );
  fc.assert(
    fc.property(anyLayers, fc.array(anyAsked, { maxLength: 10 }), ({ layers, list }, all) => {
      const { rules: tries } = compilePolicy(layers);
      for (const asked of all) {
        const wholly = targetOf("name" in asked ? asked.name : asked.address);
        const space =
          wholly.kind !== "prefix" ? tries.names : wholly.prefix.family === 4 ? tries.v4 : tries.v6;
        const seen = new Set<string>();
        // Of two rules with the same target only the first one is kept.
        const wanted = list.filter((entry) => {
          if (entry.target === undefined || seen.has(entry.target.key)) return false;
          seen.add(entry.target.key);
          return plainlyMatches(entry.target, asked);
        });
        expect(listMatches(space, wholly).map(shown)).toEqual(wanted);
      }
    }),
    { numRuns: 300 },
  );
});

test.each([
  ["*.a.example", ["deny *.a.example", "allow *.example"]],
  ["192.0.2.0/25", ["allow 192.0.2.0/24", "deny 192.0.0.0/16"]],
  ["2001:db8::/33", ["deny 2001:db8::/32"]],
])("what holds all of %s are %j", (text, wanted) => {
  const policy = compiled(
    denyByDefault(
      "deny *.a.example",
      "allow 192.0.2.0/24",
      "allow a.example",
      "allow b.a.example",
      "allow *.example",
      "deny 192.0.2.7",
      "deny 192.0.0.0/16",
      "deny 2001:db8::/32",
    ),
  );
  const space = text.startsWith("*") ? "names" : text.includes(":") ? "v6" : "v4";
  const found = listMatches(policy.rules[space], targetOf(text));
  expect(found.map(({ action, rule }) => `${action} ${rule.target.key}`)).toEqual(wanted);
});

test("names and addresses are decided as by reading the list from the top", () => {
  fc.assert(
    fc.property(
      anyLayers,
      fc.array(anyName),
      fc.array(fc.oneof(anyIpv4, anyIpv6)),
      ({ layers, list }, names, addresses) => {
        const policy = compilePolicy(layers);
        for (const name of names) {
          const first = list.find(({ target }) => target === undefined || plainlyMatches(target, { name }));
          expect(shown(decideName(policy, qname(name)))).toEqual(first);
        }
        for (const address of addresses) {
          const first = list.find(
            ({ target }) => target === undefined || plainlyMatches(target, { address }),
          );
          expect(shown(decideText(policy, address))).toEqual(first);
        }
      },
    ),
    { numRuns: 300 },
  );
});
