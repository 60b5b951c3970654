import { expect, test } from "vitest";
import { createUnprovedBodies } from "../../../src/api/http/unproved-bodies.ts";

test("the largest body gives way, and no more than needed", () => {
  const bodies = createUnprovedBodies(10);
  const shed: string[] = [];
  const open = (name: string) => bodies.open(() => shed.push(name));
  const [a, b, c] = [open("a"), open("b"), open("c")];
  a.grow(3);
  b.grow(4);
  c.grow(3);
  expect(shed).toEqual([]);
  a.grow(4);
  expect(shed).toEqual(["a"]);
  open("d").grow(3);
  expect(shed).toEqual(["a"]);
  open("e").grow(11);
  expect(shed).toEqual(["a", "e"]);
});

test("a body within an even share goes for nobody, however long it rests", () => {
  const bodies = createUnprovedBodies(100);
  const shed: string[] = [];
  bodies.open(() => shed.push("small")).grow(10);
  const others = Array.from({ length: 9 }, () => bodies.open(() => shed.push("large")));
  for (let octets = 0; octets < 50; octets += 1) for (const other of others) other.grow(octets);
  expect(new Set(shed)).toEqual(new Set(["large"]));
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
