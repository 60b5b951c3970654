import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashText } from "../../src/tables/slot-index.ts";
import { BLOCK_OCTETS, blocksFor, createSlotTexts } from "../../src/tables/slot-texts.ts";

const SLOTS = 8;
const BLOCKS = 200;
const text = fc.oneof(fc.stringMatching(/^[a-z.]{1,40}$/), fc.stringMatching(/^[a-z]{240,255}$/));

describe("a slot's text", () => {
  test("is the one that was written last, whatever comes and goes beside it", () => {
    const steps = fc.array(fc.record({ slot: fc.integer({ min: 1, max: SLOTS }), text }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (list) => {
        const texts = createSlotTexts(SLOTS, BLOCKS);
        const model = new Map<number, string>();
        for (const { slot, text: written } of list) {
          if (model.delete(slot)) texts.release(slot);
          else {
            texts.write(slot, `<${written}>`, 1, 1 + written.length);
            model.set(slot, written);
          }
          const further = [...model.values()].reduce((sum, { length }) => sum + blocksFor(length), 0);
          expect(texts.free()).toBe(BLOCKS - further);
          for (let each = 1; each <= SLOTS; each++)
            expect(texts.length(each)).toBe(model.get(each)?.length ?? 0);
        }
        for (const [slot, kept] of model) {
          expect(texts.read(slot)).toBe(kept);
          expect(texts.hash(slot, 7)).toBe(hashText(kept, 7));
          expect(texts.is(slot, `..${kept}`, 2, 2 + kept.length)).toBe(true);
          expect(texts.is(slot, `${kept}x`, 0, kept.length + 1)).toBe(false);
          expect(texts.is(slot, `${kept.slice(0, -1)}-`, 0, kept.length)).toBe(false);
          for (let from = 0; from <= kept.length; from++)
            expect(texts.endsWith(slot, kept.slice(from))).toBe(true);
          expect(texts.endsWith(slot, `x${kept}`)).toBe(false);
          expect(texts.endsWith(slot, `-${kept.slice(1)}`)).toBe(false);
        }
      }),
    );
  });

  test("that has no room is refused, and costs none", () => {
    const texts = createSlotTexts(3, 2);
    texts.write(1, "x".repeat(BLOCK_OCTETS), 0, BLOCK_OCTETS);
    expect(() => texts.write(2, "y".repeat(2 * BLOCK_OCTETS), 0, 2 * BLOCK_OCTETS)).toThrow(RangeError);
    texts.write(3, "z".repeat(BLOCK_OCTETS), 0, BLOCK_OCTETS);
    expect(texts.free()).toBe(0);
  });
});
