import { expect, test } from "vitest";
import { createUnprovedBodies } from "../../../src/api/http/unproved-bodies.ts";

test("the body that has not grown for the longest time gives way, and no more than needed", () => {
  const bodies = createUnprovedBodies(10);
  const shed: string[] = [];
  const open = (name: string) => bodies.open(() => shed.push(name));
  const [a, b, c] = [open("a"), open("b"), open("c")];
  for (const body of [a, b, c]) body.grow(3);
  a.grow(4);
  expect(shed).toEqual([]);
  c.grow(4);
  expect(shed).toEqual(["b"]);
  b.grow(10);
  expect(shed).toEqual(["b"]);
  open("d").grow(9);
  expect(shed).toEqual(["b", "a", "c"]);
});

test("what is closed leaves its room to others", () => {
  const bodies = createUnprovedBodies(10);
  const shed: string[] = [];
  for (let n = 0; n < 100; n += 1) {
    const body = bodies.open(() => shed.push("one"));
    body.grow(10);
    body.close();
    body.close();
  }
  expect(shed).toEqual([]);
});
