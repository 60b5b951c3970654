import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_SLOT } from "../../src/tables/slot-index.ts";
import { createLearnedNames, type LearnedNames } from "../../src/learned/names.ts";
import { runToEnd } from "../../src/policy/steps.ts";

const CAPACITY = 60;
const create = (): LearnedNames => createLearnedNames({ capacity: CAPACITY, blocks: 2000, seed: 7 });
const label = fc.constantFrom("a", "b", "www", "org", "a-label-longer-than-one-block-is", "x".repeat(63));
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));

describe("learned names", () => {
  test("are found as long as they are held, and below the bases that they are below", () => {
    const steps = fc.array(fc.record({ name, isHeld: fc.boolean() }), { maxLength: 25 });
    fc.assert(
      fc.property(steps, fc.array(name, { maxLength: 3 }), (list, bases) => {
        const names = create();
        const model = new Map<string, number>();
        for (const { name: text, isHeld } of list) {
          const count = model.get(text) ?? 0;
          if (isHeld) {
            names.hold(text);
            model.set(text, count + 1);
          } else if (count > 0) {
            names.release(names.find(text));
            if (count === 1) model.delete(text);
            else model.set(text, count - 1);
          }
          // One without a dot has a number also while it stands behind another's first label.
          const dotted = list.map((one) => one.name).filter((each) => each.includes(".") || model.has(each));
          for (const each of dotted) expect(names.find(each) !== NO_SLOT).toBe(model.has(each));
        }
        const marks = new Uint8Array(CAPACITY + 1);
        runToEnd(names.markBelow(bases, marks));
        for (const held of model.keys()) {
          expect(names.text(names.find(held))).toBe(held);
          const isBelow = bases.some((base) => held.endsWith(`.${base}`));
          expect([held, ((marks[names.find(held)] ?? 0) & 1) === 1]).toEqual([held, isBelow]);
        }
        for (const [held, count] of model) for (let i = 0; i < count; i++) names.release(names.find(held));
        expect(names.hasRoom(CAPACITY / 2)).toBe(true);
      }),
    );
  });

  test("that share what is behind their first label take one place each", () => {
    const names = create();
    for (let i = 0; i < CAPACITY - 1; i++) names.hold(`n${i}.wild.example`);
    expect(() => names.hold("one-more.wild.example")).toThrow(RangeError);
  });
});
