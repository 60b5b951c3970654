import * as fc from "fast-check";
import { expect, test } from "vitest";
import { renderPolicyText } from "../../src/policy/policy-text.ts";
import type { Rule } from "../../src/policy/rule.ts";
import { anyRule, anyTarget } from "./arbitraries.ts";
import {
  allowByDefault,
  denyByDefault,
  mergeRules,
  removeTargets,
  rules,
  target,
  targets,
  words,
} from "../support/policy.ts";

test("new rules come first, and a rule with the same target goes", () => {
  const base = denyByDefault("allow example.com", "deny *.example.com");
  const merged = mergeRules(base, rules("deny blocked.com", "allow example.com"));
  expect(words(merged.egress)).toEqual(["deny blocked.com", "allow example.com", "deny *.example.com"]);
});

test("targets are the same when their canonical forms are", () => {
  const base = allowByDefault(
    "deny example.com",
    "deny 192.0.2.0/24",
    "deny 2001:db8::7",
    "deny xn--mnchen-3ya.example",
  );
  const merged = mergeRules(
    base,
    rules("allow  Example.COM.", "allow 192.0.2.9/24", "allow 2001:DB8:0::7/128", "allow MÜNCHEN.example"),
  );
  expect(words(merged.egress)).toEqual([
    "allow  Example.COM.",
    "allow 192.0.2.9/24",
    "allow 2001:DB8:0::7/128",
    "allow MÜNCHEN.example",
  ]);
  expect(merged.defaultAction).toBe("allow");
});

test("of two new rules for one target the first holds; the policy's own duplicates stay", () => {
  const base = denyByDefault("allow b.example", "deny b.example");
  const merged = mergeRules(base, rules("deny a.example", "allow a.example"));
  expect(words(merged.egress)).toEqual(["deny a.example", "allow b.example", "deny b.example"]);
});

test("removing takes out every rule with the target and ignores unknown targets", () => {
  const base = allowByDefault("deny a.example", "allow b.example", "allow A.example.");
  const policy = removeTargets(base, targets("a.EXAMPLE", "c.example"));
  expect(words(policy.egress)).toEqual(["allow b.example"]);
  expect(policy.defaultAction).toBe("allow");
});

test("removing nothing gives the very same policy", () => {
  const base = allowByDefault("deny a.example");
  expect(removeTargets(base, targets("b.example", "*.a.example"))).toBe(base);
});

/** The merge as the contract tells it, in quadratic words. */
function plainMerge(base: readonly Rule[], added: readonly Rule[]): readonly Rule[] {
  const firsts = added.filter(
    (rule, index) => added.findIndex((other) => other.target.key === rule.target.key) === index,
  );
  return [...firsts, ...base.filter((rule) => !added.some((other) => other.target.key === rule.target.key))];
}

test("merging is what a plain model says, and doing it twice is doing it once", () => {
  fc.assert(
    fc.property(fc.array(anyRule), fc.array(anyRule), (base, added) => {
      const policy = denyByDefault(...base);
      const merged = mergeRules(policy, rules(...added));
      expect(words(merged.egress)).toEqual(words(plainMerge(policy.egress, rules(...added))));
      expect(mergeRules(merged, rules(...added))).toEqual(merged);
    }),
  );
});

test("rules that were merged in and then removed leave only what they did not name", () => {
  fc.assert(
    fc.property(fc.array(anyRule), fc.array(anyTarget), (base, named) => {
      const policy = denyByDefault(...base);
      const merged = mergeRules(policy, rules(...named.map((text) => `allow ${text}`)));
      const keys = new Set(named.map((text) => target(text).key));
      const left = policy.egress.filter((rule) => !keys.has(rule.target.key));
      expect(removeTargets(merged, targets(...named)).egress).toEqual(left);
    }),
  );
});

test("the blocks of the policy's text make no difference, but that those without such a target are not searched", () => {
  const many = Array.from({ length: 600 }, (_, index) => `allow n${index}.example`);
  const anyNamed = fc.array(fc.oneof(anyTarget, fc.constantFrom("n7.example", "n300.example")), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(fc.array(anyRule), anyNamed, (base, named) => {
      const policy = denyByDefault(...base, ...many, ...base);
      const { blocks } = renderPolicyText(policy);
      const added = rules(...named.map((text) => `deny ${text}`));
      expect(mergeRules(policy, added, blocks).egress).toEqual(mergeRules(policy, added).egress);
      const left = removeTargets(policy, targets(...named));
      expect(removeTargets(policy, targets(...named), blocks).egress).toEqual(left.egress);
    }),
    { numRuns: 50 },
  );
});
