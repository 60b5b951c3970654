import { describe, expect, test } from "vitest";
import { DENY_ALL, policyMode, renderPolicy } from "../../src/policy/policy.ts";
import { parseAction } from "../../src/policy/rule.ts";
import { allowByDefault, denyByDefault } from "../support/policy.ts";

test("a policy without rules is its default action, any other is enforcing", () => {
  expect(policyMode(DENY_ALL)).toBe("deny_all");
  expect(policyMode(allowByDefault())).toBe("allow_all");
  expect(policyMode(denyByDefault("allow 0.0.0.0/0"))).toBe("enforcing");
  expect(policyMode(allowByDefault("allow example.org"))).toBe("enforcing");
});

test("a policy is shown in the user's order and spelling, keys in order", () => {
  const policy = allowByDefault("deny  Example.ORG.", "allow 192.0.2.7/24");
  expect(JSON.stringify(renderPolicy(policy))).toBe(
    '{"egress":[{"action":"deny","target":" Example.ORG."},{"action":"allow","target":"192.0.2.7/24"}],"defaultAction":"allow"}',
  );
  expect(JSON.stringify(renderPolicy(DENY_ALL))).toBe('{"egress":[],"defaultAction":"deny"}');
});

describe("an action is read trimmed and in any case, and nothing is deny", () => {
  test.each([
    ["allow", "allow"],
    [" ALLOW\n", "allow"],
    ["Deny", "deny"],
    ["", "deny"],
    [" ", "deny"],
    [null, "deny"],
    [undefined, "deny"],
    ["block", undefined],
    ["allowed", undefined],
    ["allow deny", undefined],
  ])("%j is %s", (text, action) => {
    expect(parseAction(text)).toBe(action);
  });
});
