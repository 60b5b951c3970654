import * as fc from "fast-check";
import { expect, test } from "vitest";
import { diffRules, type DiffLine, type ShownRule, withContext } from "../../src/page/model/rule-diff.ts";

const rule = fc.record({
  action: fc.constantFrom("allow" as const, "deny" as const),
  target: fc.constantFrom("a.example.org", "b.example.org", "c.example.org"),
});
const rules = fc.array(rule, { maxLength: 12 });

function textsOf(lines: readonly DiffLine[], ...signs: readonly DiffLine["sign"][]): readonly string[] {
  return lines.filter(({ sign }) => signs.includes(sign)).map(({ text }) => text);
}

test("a difference holds both lists whole, in their order", () => {
  fc.assert(
    fc.property(rules, rules, (before, after) => {
      const lines = diffRules(before, after);
      expect(textsOf(lines, " ", "-")).toEqual(before.map(({ action, target }) => `${action} ${target}`));
      expect(textsOf(lines, " ", "+")).toEqual(after.map(({ action, target }) => `${action} ${target}`));
    }),
  );
});

test("what is in both lists in the same order is not changed", () => {
  const [one, two, three] = ["one", "two", "three"].map((target) => ({ action: "allow" as const, target }));
  const lines = diffRules(
    [one, two, three].flatMap((all) => all ?? []),
    [two, three].flatMap((all) => all ?? []),
  );
  expect(lines.map(({ sign, text }) => sign + text)).toEqual(["-allow one", " allow two", " allow three"]);
});

test("lists that are too long to be compared line by line are shown as removed and added", () => {
  const lines = diffRules(many("a"), many("b"));
  expect(lines).toHaveLength(5000);
  expect(textsOf(lines, " ")).toEqual([]);
});

test("unchanged lines far from a change are left out", () => {
  const lines = "     +     "
    .split("")
    .map((sign) => ({ sign: sign === "+" ? "+" : " ", text: "" }) as const);
  expect(withContext(lines, 1).map((line) => line?.sign)).toEqual([undefined, " ", "+", " ", undefined]);
});

function many(prefix: string): readonly ShownRule[] {
  return Array.from({ length: 2500 }, (_, at) => ({ action: "deny", target: `${prefix}${at}.example.org` }));
}
