import { expect, test } from "vitest";
import { createTurns } from "../../../src/dns/io/turns.ts";

test("groups take turns, and in each the oldest goes first", () => {
  const turns = createTurns<string>();
  for (const item of ["a1", "a2", "a3"]) turns.add(1, item);
  for (const item of ["b1", "b2"]) turns.add(2, item);
  const taken: string[] = [];
  turns.drain((item) => taken.push(item) > 0);
  expect(taken).toEqual(["a1", "b1", "a2", "b2", "a3"]);
  expect(turns.size()).toBe(0);
});

test("a group that is refused does not hold up the others, and is offered once", () => {
  const turns = createTurns<string>();
  for (const item of ["a1", "a2"]) turns.add(1, item);
  turns.add(2, "b1");
  const offered: string[] = [];
  turns.drain((item, group) => {
    offered.push(item);
    return group === 2;
  });
  expect(offered).toEqual(["a1", "b1", "a1"]);
  expect(turns.size()).toBe(2);
});

test("what is taken back is not offered", () => {
  const turns = createTurns<string>();
  turns.add(1, "a");
  turns.remove(1, "other");
  turns.remove(2, "a");
  expect(turns.size()).toBe(1);
  turns.remove(1, "a");
  turns.drain(() => {
    throw new Error("offered");
  });
});
