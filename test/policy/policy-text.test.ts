import * as fc from "fast-check";
import { expect, test } from "vitest";
import { runToEnd } from "../../src/policy/steps.ts";
import { type PolicyText, renderPolicyText, textSteps } from "../../src/policy/policy-text.ts";
import { DENY_ALL, type Policy, renderPolicy } from "../../src/policy/policy.ts";
import { anyAction, anyRule, anyTarget } from "./arbitraries.ts";
import {
  allowByDefault,
  denyByDefault,
  mergeRules,
  removeTargets,
  rules,
  targets,
} from "../support/policy.ts";

const json = ({ octets }: PolicyText): string => Buffer.concat(octets).toString();
const many = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `allow n${index}.example.org`);

test("the entity tag is strong, quoted, and differs with order, spelling, action and default", () => {
  const policies = [
    DENY_ALL,
    allowByDefault(),
    denyByDefault("allow example.org"),
    denyByDefault("deny example.org"),
    denyByDefault("allow Example.org"),
    denyByDefault("allow example.org", "allow a.example"),
    denyByDefault("allow a.example", "allow example.org"),
  ];
  const etags = policies.map((policy) => renderPolicyText(policy).etag());
  expect(new Set(etags).size).toBe(policies.length);
  for (const etag of etags) expect(etag).toMatch(/^"[A-Za-z0-9_-]{43}"$/);
  expect(renderPolicyText(denyByDefault("allow example.org")).etag()).toBe(etags[2]);
});

test("the octets are the policy's JSON, whatever they were made from, and the tag is the policy's alone", () => {
  const anyEgress = fc.array(anyRule, { maxLength: 12 });
  const anySize = fc.constantFrom(0, 1, 127, 128, 129, 700, 3000);
  fc.assert(
    fc.property(
      anySize,
      anyEgress,
      fc.array(fc.tuple(anyEgress, fc.array(anyTarget, { maxLength: 4 })), { maxLength: 4 }),
      anyAction,
      (size, egress, edits, defaultAction) => {
        let policy: Policy = { defaultAction, egress: rules(...egress, ...many(size)) };
        let text = renderPolicyText(policy);
        for (const [added, removed] of edits) {
          const merged = mergeRules(policy, rules(...added));
          policy = removeTargets(merged, targets(...removed, `n${size - 1}.example.org`));
          text = runToEnd(textSteps(policy, text));
          expect(json(text)).toBe(JSON.stringify(renderPolicy(policy)));
          expect(text.etag()).toBe(renderPolicyText({ ...policy, egress: [...policy.egress] }).etag());
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("a change renders the blocks that it touches, and takes the others over", () => {
  const policy = denyByDefault(...many(20_000));
  const before = renderPolicyText(policy);
  const changed = mergeRules(policy, rules("deny n12345.example.org"));
  const after = runToEnd(textSteps(changed, before));
  const known = new Set(before.blocks);
  expect(before.blocks.length).toBeGreaterThan(50);
  expect(after.blocks.filter((block) => !known.has(block)).length).toBeLessThanOrEqual(4);
});

test("rules none of which ends a block are cut where it is full", () => {
  const policy = denyByDefault(...Array.from({ length: 5000 }, () => "allow a.example"));
  const { blocks, octets } = renderPolicyText(policy);
  expect(Buffer.concat(octets).toString()).toBe(JSON.stringify(renderPolicy(policy)));
  expect(blocks.length).toBeLessThan(5000);
  expect(Math.max(...blocks.map((block) => block.rules.length))).toBeLessThanOrEqual(1024);
});
