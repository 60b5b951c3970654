import { expect, test } from "vitest";
import { createUnheard } from "../../src/netfilter/unheard.ts";

test("a transaction that is counted before it is heard of has until the next look", () => {
  const unheard = createUnheard();
  unheard.begin(10);
  unheard.hear(11);
  expect(unheard.look(2, 12)).toBe(0);
  unheard.hear(12);
  expect(unheard.look(0, 12)).toBe(0);
  expect(unheard.look(0, 12)).toBe(0);
});

test("one that is never heard of is known at the second look, once", () => {
  const unheard = createUnheard();
  unheard.begin(10);
  expect(unheard.look(1, 11)).toBe(0);
  unheard.hear(12);
  expect(unheard.look(1, 12)).toBe(1);
  expect(unheard.look(0, 12)).toBe(0);
});

test("one that is heard of before it is counted makes up for no other", () => {
  const unheard = createUnheard();
  unheard.begin(10);
  unheard.hear(13);
  expect(unheard.look(1, 11)).toBe(0);
  expect(unheard.look(1, 13)).toBe(1);
});

test("the number begins again at 0", () => {
  const unheard = createUnheard();
  unheard.begin(2 ** 32 - 2);
  unheard.hear(2 ** 32 - 1);
  unheard.hear(1);
  expect(unheard.look(2, 1)).toBe(0);
  expect(unheard.look(0, 1)).toBe(0);
});
