import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compilePolicy, mergeSteps, removalSteps } from "../../src/policy/compile.ts";
import { allowsBelow, decideName } from "../../src/policy/decide-name.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import { anyAction, anyName, anyRule, anyTarget } from "./arbitraries.ts";
import {
  allowByDefault,
  compiled,
  denyByDefault,
  mergeRules,
  qname,
  removeTargets,
  rules,
  targets,
} from "../support/policy.ts";

describe("names below a name may be allowed", () => {
  test.each([
    [["allow api.deep.example"], "deep.example", true],
    [["allow api.deep.example"], "example", true],
    [["allow api.deep.example"], "", true],
    [["allow api.deep.example"], "api.deep.example", false],
    [["allow api.deep.example"], "other.example", false],
    [["allow api.deep.example"], "eep.example", false],
    [["allow *.deep.example"], "deep.example", true],
    [["allow *.deep.example"], "example", true],
    [["deny api.deep.example"], "deep.example", false],
    [["deny api.deep.example", "allow *.deep.example"], "api.deep.example", true],
    [["deny *.api.deep.example", "allow *.deep.example"], "api.deep.example", false],
    [["deny *.api.deep.example", "allow x.api.deep.example"], "api.deep.example", true],
    [[], "", true],
    [[], "example", false],
    [["allow 192.0.2.0/24"], "example", false],
  ])("under %j those of %j: %s", (egress, name, wanted) => {
    expect(allowsBelow(compiled(denyByDefault(...egress)), qname(name))).toBe(wanted);
  });

  test.each([
    [["deny example.org"], "example.org", true],
    [["deny example.org", "deny *.example.org"], "example.org", false],
    [["deny *.org"], "example.org", false],
    [["deny *.org", "allow www.example.org"], "example.org", true],
  ])("under %j and a default of allow those of %j: %s", (egress, name, wanted) => {
    expect(allowsBelow(compiled(allowByDefault(...egress)), qname(name))).toBe(wanted);
  });
});

test("a name with an allowed one below it is never one without", () => {
  const anyPolicy = fc.record({ defaultAction: anyAction, egress: fc.array(anyRule, { maxLength: 12 }) });
  fc.assert(
    fc.property(anyPolicy, anyName, anyName, ({ defaultAction, egress }, name, label) => {
      const user = { defaultAction, egress: rules(...egress) };
      const policy = compilePolicy({ denyAlways: [], allowAlways: [], user });
      const isAllowed = decideName(policy, qname(`${label}.${name}`)).action === "allow";
      expect(isAllowed && !allowsBelow(policy, qname(name))).toBe(false);
      // And where nothing can be allowed, it says so.
      const canAllow = defaultAction === "allow" || user.egress.some(({ action }) => action === "allow");
      expect(allowsBelow(policy, qname(name)) && !canAllow).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test("a policy that was edited says the same as one that was compiled anew", () => {
  const anyEdit = fc.record({
    first: fc.array(anyRule, { maxLength: 10 }),
    added: fc.array(anyRule, { maxLength: 4 }),
    removed: fc.array(anyTarget, { maxLength: 4 }),
  });
  fc.assert(
    fc.property(anyEdit, fc.array(anyName, { maxLength: 6 }), ({ first, added, removed }, names) => {
      const before = denyByDefault(...first);
      const merged = runToEnd(mergeSteps(compiled(before), rules(...added)));
      const edited = runToEnd(removalSteps(merged, targets(...removed)));
      const anew = compiled(removeTargets(mergeRules(before, rules(...added)), targets(...removed)));
      for (const name of names) {
        expect(allowsBelow(edited, qname(name))).toBe(allowsBelow(anew, qname(name)));
      }
    }),
    { numRuns: 300 },
  );
});
