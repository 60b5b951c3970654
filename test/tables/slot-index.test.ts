import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSlotIndex, hashOctets, hashText, NO_SLOT } from "../../src/tables/slot-index.ts";

describe("a slot index", () => {
  test("holds what a plain list would, in the order in which it came, whatever comes and goes", () => {
    const steps = fc.array(fc.record({ hash: fc.nat(5), isAdded: fc.boolean(), which: fc.nat(20) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, (list) => {
        const index = createSlotIndex(6);
        const model: { slot: number; hash: number }[] = [];
        for (const { hash, isAdded, which } of list) {
          if (isAdded) {
            const slot = index.add(hash);
            if (model.length < 6) model.push({ slot, hash });
          } else if (model.length > 0) {
            const [gone] = model.splice(which % model.length, 1);
            if (gone) index.remove(gone.slot);
          }
          expect(index.size()).toBe(model.length);
          expect(inOrder(index)).toEqual(model.map(({ slot }) => slot));
          for (let each = 0; each <= 5; each++) {
            const wanted = model.filter((entry) => entry.hash === each).map(({ slot }) => slot);
            expect(new Set(underHash(index, each))).toEqual(new Set(wanted));
          }
        }
      }),
    );
  });

  test("is empty and takes as many as ever after it was cleared", () => {
    const index = createSlotIndex(2);
    for (let round = 0; round < 3; round++) {
      expect([index.add(1), index.add(2), index.add(3)]).toEqual([1, 2, NO_SLOT]);
      index.clear();
      expect([index.size(), index.oldest(), index.first(1)]).toEqual([0, NO_SLOT, NO_SLOT]);
    }
  });
});

describe("a hash", () => {
  test("is the same for a text and its octets, and another with another seed", () => {
    const octets = Buffer.from("..example.org..");
    expect(hashOctets(octets, 2, 11, 7)).toBe(hashText("example.org", 7));
    expect(hashText("example.org", 7)).not.toBe(hashText("example.org", 8));
  });

  test("spreads neighbouring addresses over the buckets", () => {
    const buckets = new Set<number>();
    for (let i = 0; i < 4096; i++)
      buckets.add(hashOctets(Uint8Array.of(10, 0, i >> 8, i & 255), 0, 4, 99) & 4095);
    expect(buckets.size).toBeGreaterThan(4096 * 0.55);
  });
});

function inOrder({ oldest, newer }: ReturnType<typeof createSlotIndex>): number[] {
  const slots: number[] = [];
  for (let slot = oldest(); slot !== NO_SLOT; slot = newer(slot)) slots.push(slot);
  return slots;
}

function underHash({ first, next }: ReturnType<typeof createSlotIndex>, hash: number): number[] {
  const slots: number[] = [];
  for (let slot = first(hash); slot !== NO_SLOT; slot = next(slot)) slots.push(slot);
  return slots;
}
