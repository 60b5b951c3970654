import { expect, test } from "vitest";
import { createSeenSet } from "../../../src/enforcement/seen/seen-set.ts";

const many = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

test("each text is there once", () => {
  const seen = createSeenSet<string>(8);
  for (const text of ["a", "b", "a", "a"]) seen.add(text);
  expect([...seen.list()].toSorted()).toEqual(["a", "b"]);
  expect([seen.size(), seen.shed()]).toEqual([2, 0]);
});

test("past the bound as many are shed as come, and they are counted", () => {
  const seen = createSeenSet<string>(64);
  for (const text of many("n", 1000)) seen.add(text);
  expect([seen.size(), seen.shed()]).toEqual([64, 936]);
});

test("what is seen again and again stays, whatever flood of new texts comes between", () => {
  const seen = createSeenSet<string>(64);
  const honest = many("honest", 10);
  for (const [index, text] of many("flood", 5000).entries()) {
    seen.add(text);
    const again = honest[index % honest.length];
    if (again !== undefined && !seen.knows(again)) seen.add(again);
  }
  expect([...seen.list()]).toEqual(expect.arrayContaining(honest));
});

test("what was seen twice is known until it is shed", () => {
  const seen = createSeenSet<string>(4);
  expect(seen.knows("a")).toBe(false);
  seen.add("a");
  expect(seen.knows("a")).toBe(false);
  seen.add("a");
  expect(seen.knows("a")).toBe(true);
  for (const text of many("n", 20)) seen.add(text);
  expect(seen.knows("a")).toBe(true);
  for (const text of many("n", 20).flatMap((one) => [one, one])) seen.add(text);
  expect(seen.knows("a")).toBe(false);
  expect([...seen.list()]).not.toContain("a");
});

test("past the bound a text comes in when it is seen for the second time", () => {
  const seen = createSeenSet<string>(4);
  for (const text of many("n", 4)) seen.add(text);
  seen.add("late");
  expect([...seen.list()]).not.toContain("late");
  seen.add("late");
  expect([...seen.list()]).toContain("late");
  expect(seen.size()).toBe(4);
});
