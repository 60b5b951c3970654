import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  parsePolicyJson,
  parseRulesJson,
  parseTargetsJson,
  policyShape,
  policySteps,
  rulesShape,
  targetsShape,
} from "../../src/policy/parse-policy.ts";
import { DENY_ALL, renderPolicy } from "../../src/policy/policy.ts";
import { type Problem, type Result, renderProblems, strictly } from "../../src/policy/problem.ts";
import { anyAction, anyRule, anyTarget, anyText } from "./arbitraries.ts";
import { allowByDefault, denyByDefault, rules, valueOf, words } from "../support/policy.ts";

function problemsOf(result: Result<unknown>): readonly Problem[] {
  return result.ok ? [] : result.problems;
}

describe("a policy is read from JSON", () => {
  test.each([
    ["null", DENY_ALL],
    ["{}", DENY_ALL],
    [' \n{"defaultAction":"deny"}\n', DENY_ALL],
    ["\uFEFF{}", DENY_ALL],
    ['{"egress":null,"defaultAction":null}', DENY_ALL],
    ['{"egress":[],"defaultAction":""}', DENY_ALL],
    ['{"defaultAction":" ALLOW\\n"}', allowByDefault()],
    ['{"defaultAction":"allow","defaultAction":"deny"}', DENY_ALL],
    ['{"egress":[{"target":"example.org"}]}', denyByDefault("deny example.org")],
    ['{"egress":[{"action":null,"target":"example.org"}]}', denyByDefault("deny example.org")],
    ['{"egress":[{"action":"","target":"example.org"}]}', denyByDefault("deny example.org")],
    ['{"egress":[{"action":"Allow ","target":" Example.ORG."}]}', denyByDefault("allow  Example.ORG.")],
    [
      '{"egress":[{"action":"deny","target":"a.example","action":"allow"}]}',
      denyByDefault("allow a.example"),
    ],
    [
      '{"defaultAction":"allow","egress":[{"action":"deny","target":"192.0.2.0/24"},{"action":"deny","target":"192.0.2.0/24"}]}',
      allowByDefault("deny 192.0.2.0/24", "deny 192.0.2.0/24"),
    ],
  ])("%s", (text, policy) => {
    expect(parsePolicyJson(text)).toEqual({ ok: true, value: policy });
  });
});

describe("what is no policy is refused, with every problem and its place", () => {
  test.each([
    ["[]", "must be an object"],
    ["7", "must be an object"],
    ['"allow"', "must be an object"],
    ["{", "is not JSON: "],
    ["{} {}", "is not JSON: "],
    ["deny", "is not JSON: "],
    ['{"egress":{}}', "egress: must be an array of rules"],
    ['{"defaultAction":true}', "defaultAction: must be a string"],
    ['{"defaultAction":"block"}', 'defaultAction: "block" is no action, must be allow or deny'],
    ['{"egress":[null]}', "egress[0]: must be an object"],
    ['{"egress":[{}]}', "egress[0].target: is missing, must be a string"],
    ['{"egress":[{"target":null}]}', "egress[0].target: is missing, must be a string"],
    [
      '{"defaultAction":"x","egress":[{"target":"example.org"},{"action":"y","target":" "},[],{"target":7}]}',
      'defaultAction: "x" is no action, must be allow or deny; egress[1].action: "y" is no action, must be allow or deny; ' +
        "egress[1].target: is blank: write a name, *.name, an address or a prefix; egress[2]: must be an object; egress[3].target: must be a string",
    ],
  ])("%s", (text, problems) => {
    expect(renderProblems(problemsOf(parsePolicyJson(text)))).toContain(problems);
  });
});

describe("a key that is not known is told, and what it says is not taken", () => {
  test.each([
    ['{"x":{"y":[1]}}', DENY_ALL, ["x"]],
    [
      '{"__proto__":{"defaultAction":"allow"},"constructor":{"prototype":{}}}',
      DENY_ALL,
      ["__proto__", "constructor"],
    ],
    [
      '{"egress":[{"action":"deny","target":"a.example","__proto__":{"action":"allow"}}]}',
      denyByDefault("deny a.example"),
      ["egress[0].__proto__"],
    ],
    [
      '{"version":2,"egress":[{"target":"a.example"},{"target":"b.example","comment":"x","createdAt":7,"x-ports":[1],"a\\nb":1}]}',
      denyByDefault("deny a.example", "deny b.example"),
      ["version", "egress[1].comment", "egress[1].createdAt", "egress[1].x-ports", "egress[1].a\\u{a}b"],
    ],
    [
      '{"rules":null,"egress":[{"action":"allow","target":"a.example","ports":null}]}',
      denyByDefault("allow a.example"),
      ["rules"],
    ],
  ])("%s", (text, policy, paths) => {
    const parsed = parsePolicyJson(text);
    expect(parsed).toMatchObject({ ok: true, value: policy });
    expect(parsed.ok && parsed.warnings?.map(({ path }) => path)).toEqual(paths);
    expect(problemsOf(strictly(parsed)).map(({ path }) => path)).toEqual(paths);
  });

  test("in an array of rules, too, and of a thousand the first are named", () => {
    const parsed = parseRulesJson(
      JSON.stringify(Array.from({ length: 1000 }, () => ({ target: "a.example", id: 7 }))),
    );
    const warnings = (parsed.ok && parsed.warnings) || [];
    expect(warnings[0]).toEqual({ path: "[0].id", message: "a rule has no such key, and nothing reads it" });
    expect(warnings.at(-1)?.message).toBe("980 more warnings not shown");
    expect(warnings).toHaveLength(21);
  });
});

describe("a key whose loss would change what the policy does is refused", () => {
  const KEYS = [
    "port",
    "proto",
    "methods",
    "paths",
    "expires",
    "expiresAt",
    "valid_until",
    "dst-port",
    "toPorts",
    "sourceCIDR",
    "if",
    "enabled",
    "Target",
    "targets",
    "ACTION",
  ];

  test.each(KEYS)("a rule's %s", (key) => {
    for (const action of ["allow", "deny"]) {
      const rule = { action, target: "a.example", [key]: [443] };
      const remedy =
        /^(is not served, and .*: take it out if|a rule has no such key: write (target|action|ports|protocol|http, such as .*)$)/;
      expect(problemsOf(parseRulesJson(JSON.stringify([rule])))).toEqual([
        { path: `[0].${key}`, message: expect.stringMatching(remedy) },
      ]);
      expect(problemsOf(parsePolicyJson(JSON.stringify({ egress: [rule] })))[0]?.path).toBe(
        `egress[0].${key}`,
      );
    }
  });

  test.each([
    ['{"rules":[{"action":"allow","target":"a.example"}]}', "rules: a policy has no such key: write egress"],
    ['{"default":"allow"}', "default: a policy has no such key: write defaultAction"],
    ['{"Egress":[]}', "Egress: a policy has no such key: write egress"],
    [
      '{"default_action":"allow","egress":[]}',
      "default_action: a policy has no such key: write defaultAction",
    ],
    [
      '{"status":"ok","policy":{"egress":[]}}',
      "policy: is not served, and a policy would mean something else",
    ],
    ['{"allow":["a.example"]}', "allow: is not served"],
    ['{"egress":null,"ingress":[{}]}', "ingress: is not served"],
  ])("%s", (text, problem) => {
    expect(renderProblems(problemsOf(parsePolicyJson(text)))).toContain(problem);
  });
});

test("of a thousand bad rules twenty are reported and the rest is counted", () => {
  const text = JSON.stringify({ egress: Array.from({ length: 1000 }, () => ({ target: "*" })) });
  const problems = problemsOf(parsePolicyJson(text));
  expect(problems).toHaveLength(21);
  expect(problems.at(19)?.path).toBe("egress[19].target");
  expect(problems.at(20)?.message).toBe("980 more problems not shown");
});

test("a text without a value is blank, whatever was wanted", () => {
  for (const parse of [parsePolicyJson, parseRulesJson, parseTargetsJson]) {
    expect(parse("")).toEqual({ ok: true, value: "blank" });
    expect(parse(" \r\n\t")).toEqual({ ok: true, value: "blank" });
  }
});

test("rules and targets are arrays, and null is the empty one", () => {
  expect(valueOf(parseRulesJson("null"))).toEqual([]);
  expect(valueOf(parseRulesJson("[]"))).toEqual([]);
  expect(valueOf(parseTargetsJson("null"))).toEqual([]);
  expect(
    valueOf(parseRulesJson('[{"action":"allow","target":"example.org"},{"target":"*.example.org"}]')),
  ).toEqual(rules("allow example.org", "deny *.example.org"));
  expect(valueOf(parseTargetsJson('["example.org","192.0.2.7"]'))).toMatchObject([
    { kind: "name" },
    { kind: "prefix" },
  ]);
});

test("problems of arrays begin with the position", () => {
  expect(renderProblems(problemsOf(parseRulesJson('[{"target":"*"},7]')))).toMatch(
    /^\[0\]\.target: .*; \[1\]: must be an object$/,
  );
  expect(renderProblems(problemsOf(parseTargetsJson('["example.org",null,"*"]')))).toMatch(
    /^\[1\]: must be a string; \[2\]: /,
  );
  expect(renderProblems(problemsOf(parseRulesJson("{}")))).toBe("must be an array of rules");
  expect(renderProblems(problemsOf(parseTargetsJson('"a"')))).toBe("must be an array of targets");
});

test("a policy that is shown and read again is the same policy", () => {
  fc.assert(
    fc.property(anyAction, fc.array(anyRule), (defaultAction, egress) => {
      const policy = { defaultAction, egress: rules(...egress) };
      expect(parsePolicyJson(JSON.stringify(renderPolicy(policy)))).toEqual({ ok: true, value: policy });
      expect(words(policy.egress)).toEqual(egress);
    }),
  );
});

test("rule by rule is what the whole shape reads, with the same problems in the same order", () => {
  const anyTargetValue = fc.oneof(anyText, anyTarget, fc.constantFrom(null, 7));
  const anyActionValue = fc.constantFrom("allow", "deny", "", null, "x", 7);
  const anyItem = fc.oneof(
    fc.record({ action: anyActionValue, target: anyTargetValue, id: fc.integer() }, { requiredKeys: [] }),
    fc.constantFrom(null, 7, [], "allow"),
  );
  const anyItems = fc.array(anyItem, { maxLength: 30 });
  const anyPolicy = fc.record({ defaultAction: anyActionValue, egress: anyItems }, { requiredKeys: [] });
  fc.assert(
    fc.property(anyPolicy, anyItems, fc.array(anyTargetValue), (policy, items, texts) => {
      const cases = [
        [parsePolicyJson(JSON.stringify(policy)), policyShape.safeParse(policy)],
        [parseRulesJson(JSON.stringify(items)), rulesShape.safeParse(items)],
        [parseTargetsJson(JSON.stringify(texts)), targetsShape.safeParse(texts)],
      ] as const;
      for (const [read, whole] of cases) {
        expect(read.ok ? read.value : undefined).toEqual(whole.data);
        const messages = whole.error?.issues.map(({ message }) => message) ?? [];
        expect(
          problemsOf(read)
            .slice(0, 20)
            .map(({ message }) => message),
        ).toEqual(messages.slice(0, 20));
      }
    }),
  );
});

test("a policy is read in a step for each rule", () => {
  const text = JSON.stringify({ egress: [{ target: "a.example" }, { target: "b.example" }, {}] });
  expect([...policySteps(text)]).toHaveLength(1 + 3);
});

test("no text and no JSON value throws", () => {
  const strange = fc.oneof(
    fc.string(),
    fc.json(),
    anyText,
    fc.array(anyText).map((texts) => JSON.stringify(texts)),
  );
  fc.assert(
    fc.property(strange, (text) => {
      for (const parse of [parsePolicyJson, parseRulesJson, parseTargetsJson]) {
        expect(renderProblems(problemsOf(parse(text)))).not.toMatch(/[\r\n\0]/);
      }
    }),
  );
});

test("a million open brackets are refused, not a stack overflow", () => {
  for (const open of ["[", '{"egress":']) {
    expect(parsePolicyJson(open.repeat(1_000_000 / open.length)).ok).toBe(false);
  }
  expect(parsePolicyJson(`${"[".repeat(400_000)}${"]".repeat(400_000)}`).ok).toBe(false);
  expect(parsePolicyJson(`{"x":${"[".repeat(400_000)}${"]".repeat(400_000)}}`).ok).toBe(true);
});
