import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compilePolicy } from "../../src/policy/compile.ts";
import {
  auditSteps,
  findAuditedAddress,
  findAuditedName,
  withoutAudit,
} from "../../src/policy/compile-audit.ts";
import { decideName } from "../../src/policy/decide-name.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import { compiledPolicy, inAudit, qname, rules, targets } from "../support/policy.ts";
import { anyAction, anyName, anyRule } from "./arbitraries.ts";

const anyLayers = fc.record({
  denyAlways: fc.array(anyName, { maxLength: 3 }),
  allowAlways: fc.array(anyName, { maxLength: 3 }),
  user: fc.record({ defaultAction: anyAction, egress: fc.array(anyRule, { maxLength: 8 }) }),
});

test("what is enforced denies exactly what deny.always does, and what would be denied otherwise is told", () => {
  fc.assert(
    fc.property(anyLayers, anyName, (given, name) => {
      const layers = {
        denyAlways: targets(...given.denyAlways),
        allowAlways: targets(...given.allowAlways),
        user: { ...given.user, egress: rules(...given.user.egress) },
      };
      const policy = compilePolicy(layers);
      const enforced = runToEnd(auditSteps(layers, policy));
      const decided = decideName(policy, qname(name));
      const isAlways = given.denyAlways.includes(name);
      expect(decideName(enforced, qname(name)).action).toBe(isAlways ? "deny" : "allow");
      expect(findAuditedName(enforced, qname(name))).toEqual(decided.action === "deny" ? decided : undefined);
      expect(withoutAudit(enforced)).toBe(policy);
    }),
  );
});

test("where audit mode is off nothing is audited", () => {
  const policy = compiledPolicy("deny", "deny one.example.org");
  expect(findAuditedName(policy, qname("one.example.org"))).toBeUndefined();
  expect(withoutAudit(policy)).toBe(policy);
});

test("an address rule that allows is kept: it says which private addresses an answer may hold", () => {
  const { rules: tries } = inAudit("deny", "deny 10.0.0.5", "allow 10.0.0.0/8");
  expect(tries.v4?.sample).toMatchObject({ key: expect.any(String) });
  expect([tries.v4?.zero, tries.v4?.one, tries.v4].map((node) => node?.own?.rule.target.key)).toContain(
    "10.0.0.0/8",
  );
});

test("an address that a rule would deny is told, one that only the default action denies is not: an answer may give it", () => {
  const policy = inAudit("deny", "deny 198.51.100.0/24");
  const find = (...octets: number[]) => findAuditedAddress(policy, Uint8Array.from(octets), 0, 4);
  expect(find(198, 51, 100, 7)).toMatchObject({ action: "deny", layer: "user" });
  expect(find(203, 0, 113, 7)).toBeUndefined();
});
