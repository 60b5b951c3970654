import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseAddress } from "../../src/policy/address.ts";
import { type CompiledPolicy, compilePolicy, mergeSteps, removalSteps } from "../../src/policy/compile.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import { decideAddress } from "../../src/policy/decide-address.ts";
import { decideName } from "../../src/policy/decide-name.ts";
import type { Decision } from "../../src/policy/decision.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { findDifferences, listRules } from "../../src/policy/rule-trie.ts";
import { anyAction, anyIpv4, anyIpv6, anyName, anyRule, anyTarget } from "./arbitraries.ts";
import {
  compiled,
  denyByDefault,
  mergeRules,
  qname,
  removeTargets,
  rules,
  targets,
  valueOf,
} from "../support/policy.ts";

const anyEdit = fc.oneof(
  fc.record({ merge: fc.array(anyRule, { minLength: 1, maxLength: 4 }) }),
  fc.record({ remove: fc.array(anyTarget, { minLength: 1, maxLength: 4 }) }),
);
type Edit = typeof anyEdit extends fc.Arbitrary<infer T> ? T : never;

const anyStart = fc.record({
  deny: fc.array(anyTarget, { maxLength: 3 }),
  allow: fc.array(anyTarget, { maxLength: 3 }),
  egress: fc.array(anyRule, { maxLength: 30 }),
  defaultAction: anyAction,
});
const anyQuestions = fc.record({ names: fc.array(anyName), addresses: fc.array(fc.oneof(anyIpv4, anyIpv6)) });

function editList(policy: Policy, edit: Edit): Policy {
  if ("merge" in edit) return mergeRules(policy, rules(...edit.merge));
  return removeTargets(policy, targets(...edit.remove));
}

function editCompiled(policy: CompiledPolicy, edit: Edit): CompiledPolicy {
  if ("merge" in edit) return runToEnd(mergeSteps(policy, rules(...edit.merge)));
  return runToEnd(removalSteps(policy, targets(...edit.remove)));
}

function shown({ action, layer, rule }: Decision): object {
  return { action, layer, target: rule?.target.text };
}

/** What a policy says, rules as they were written; ranks are nobody's business. */
function answers(
  policy: CompiledPolicy,
  { names, addresses }: { readonly names: readonly string[]; readonly addresses: readonly string[] },
): readonly object[] {
  return [
    ...names.map((name) => shown(decideName(policy, qname(name)))),
    ...addresses.map((address) => {
      const { family, octets } = valueOf(parseAddress(address));
      return shown(decideAddress(policy, octets, 0, family === 4 ? 4 : 16));
    }),
  ];
}

test("after any edits a policy decides like the edited list compiled anew, and what it was made from as before", () => {
  fc.assert(
    fc.property(anyStart, fc.array(anyEdit, { maxLength: 8 }), anyQuestions, (start, edits, questions) => {
      const always = { denyAlways: targets(...start.deny), allowAlways: targets(...start.allow) };
      let user: Policy = { defaultAction: start.defaultAction, egress: rules(...start.egress) };
      let policy = compilePolicy({ ...always, user });
      for (const edit of edits) {
        const before = answers(policy, questions);
        const edited = editCompiled(policy, edit);
        user = editList(user, edit);
        expect(answers(edited, questions)).toEqual(answers(compilePolicy({ ...always, user }), questions));
        expect(answers(policy, questions)).toEqual(before);
        policy = edited;
      }
    }),
    { numRuns: 300 },
  );
});

test("a rule that an edit puts where an always-rule has the same target gives way to it, and so does its removal", () => {
  const before = compilePolicy({
    denyAlways: targets("a.example"),
    allowAlways: [],
    user: denyByDefault("allow a.example"),
  });
  for (const edit of [{ merge: ["allow a.example"] }, { remove: ["a.example"] }]) {
    expect(decideName(editCompiled(before, edit), qname("a.example")).layer).toBe("deny.always");
  }
});

test("differences are the targets of rules that only one of two policies has, each once", () => {
  const anyEgress = fc.array(anyRule, { maxLength: 20 });
  fc.assert(
    fc.property(anyEgress, anyEgress, (one, other) => {
      const [before, after] = [compiled(denyByDefault(...one)), compiled(denyByDefault(...other))];
      for (const space of ["names", "v4", "v6"] as const) {
        const keys = [before, after].flatMap((policy) =>
          Array.from(listRules(policy.rules[space]), ({ rule }) => rule.target.key),
        );
        const found = Array.from(findDifferences(before.rules[space], after.rules[space]), ({ key }) => key);
        expect([...found].sort()).toEqual([...new Set(keys)].sort());
      }
    }),
  );
});

test("an edit shares all that it does not change: nothing else differs", () => {
  const many = Array.from({ length: 500 }, (_, index) => `allow n${index}.example.org`);
  const before = compiled(denyByDefault(...many, "allow 192.0.2.0/24"));
  const after = editCompiled(before, { merge: ["deny n7.example.org", "allow *.example.com"] });
  expect(Array.from(findDifferences(before.rules.names, after.rules.names), ({ key }) => key).sort()).toEqual(
    ["*.example.com", "n7.example.org"],
  );
  expect(after.rules.v4).toBe(before.rules.v4);
  const back = editCompiled(after, { remove: ["*.example.com"] });
  expect([...findDifferences(after.rules.names, back.rules.names)].map(({ key }) => key)).toEqual([
    "*.example.com",
  ]);
});

test("ten thousand rules for one prefix compile, and the first decides", () => {
  const egress = Array.from(
    { length: 10_000 },
    (_, index) => `${index === 0 ? "deny" : "allow"} 192.0.2.0/24`,
  );
  const policy = compiled(denyByDefault(...egress));
  expect(decideAddress(policy, Uint8Array.of(192, 0, 2, 1), 0, 4).action).toBe("deny");
  expect([...listRules(policy.rules.v4)]).toHaveLength(1);
});

test("names as deep as names can be are found", () => {
  const deepest = Array.from({ length: 127 }, () => "a").join(".");
  const bases = Array.from({ length: 126 }, (_, index) => `*.${deepest.slice(2 * index + 2)}`);
  const policy = compiled(denyByDefault(...bases.map((base) => `allow ${base}`), `deny ${deepest}`));
  expect(decideName(policy, qname(deepest)).rule?.target.text).toBe(bases[0]);
  expect(decideName(policy, qname("a")).layer).toBe("default");
});
