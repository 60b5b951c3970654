import { expect, test } from "vitest";
import { oneLine, quote, refused, refusedAll, renderProblems } from "../../src/policy/problem.ts";

test("problems are shown in one line, each with its place", () => {
  const problems = [
    { path: "egress[3].target", message: "is blank" },
    { path: "", message: "must be an object" },
  ];
  expect(renderProblems(problems)).toBe("egress[3].target: is blank; must be an object");
});

test("after twenty problems the rest is only counted", () => {
  const problems = Array.from({ length: 22 }, (_, index) => ({ path: `[${index}]`, message: "is blank" }));
  expect(refusedAll(problems)).toEqual({
    ok: false,
    problems: [...problems.slice(0, 20), { path: "", message: "2 more problems not shown" }],
  });
  expect(refusedAll(problems.slice(0, 21))).toMatchObject({
    problems: { 20: { message: "1 more problem not shown" } },
  });
  expect(refusedAll(problems.slice(0, 20))).toMatchObject({ problems: { length: 20 } });
});

test("a refusal has one problem, of the whole where no place is given", () => {
  expect(refused("is blank")).toEqual({ ok: false, problems: [{ path: "", message: "is blank" }] });
  expect(refused("is blank", "egress")).toMatchObject({ problems: [{ path: "egress" }] });
});

test("quoted input is short and cannot break or disguise a line", () => {
  expect(quote('a"b')).toBe(String.raw`"a\"b"`);
  expect(quote("a\r\nb\u2028c\u202ed\u00a0e\ud800")).toBe(
    String.raw`"a\u{d}\u{a}b\u{2028}c\u{202e}d\u{a0}e\u{d800}"`,
  );
  expect(quote("x".repeat(81))).toBe(`"${"x".repeat(80)}…"`);
  expect(oneLine("two words")).toBe("two words");
});
