import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createTurns } from "../../../src/relay/io/in-turns.ts";

function begin(gone: ReadonlySet<number> = new Set()) {
  const taken: number[] = [];
  const turns = createTurns<number>({
    perTurn: 3,
    isGone: (item) => gone.has(item),
    take: (item) => taken.push(item),
  });
  return { turns, taken };
}

test("what comes alone is taken at once", async () => {
  const { turns, taken } = begin();
  for (const item of [1, 2, 3, 4]) {
    turns.add(item);
    expect(taken.at(-1)).toBe(item);
    await nextTurn();
  }
});

test("of what comes at once each turn takes its part, in order, behind what waits", async () => {
  const { turns, taken } = begin();
  for (const item of [1, 2, 3, 4, 5, 6, 7]) turns.add(item);
  expect(taken).toEqual([1, 2, 3]);
  await nextTurn();
  turns.add(8);
  expect(taken).toEqual([1, 2, 3, 4, 5, 6]);
  await nextTurn();
  expect(taken).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  await nextTurn();
  turns.add(9);
  expect(taken.at(-1)).toBe(9);
});

test("what is gone by its turn takes nobody's place", async () => {
  const { turns, taken } = begin(new Set([4, 5, 7]));
  for (const item of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) turns.add(item);
  await nextTurn();
  expect(taken).toEqual([1, 2, 3, 6, 8, 9]);
  await nextTurn();
  expect(taken).toEqual([1, 2, 3, 6, 8, 9, 10]);
});

test("where all that waits is gone, the next is taken at once", async () => {
  const { turns, taken } = begin(new Set([4, 5]));
  for (const item of [1, 2, 3, 4, 5]) turns.add(item);
  await nextTurn();
  turns.add(6);
  expect(taken).toEqual([1, 2, 3, 6]);
});
