import * as fc from "fast-check";
import { expect, test } from "vitest";
import { NO_SLOT } from "../../src/tables/slot-index.ts";
import { createSlotChains, type SlotChains } from "../../src/tables/slot-chains.ts";

const CAPACITY = 40;

function under(chains: SlotChains, hash: number): number[] {
  const slots: number[] = [];
  for (let slot = chains.first(hash); slot !== NO_SLOT; slot = chains.next(slot)) slots.push(slot);
  return slots;
}

test("a slot is found under its hash, once, whatever comes and goes while the chains grow", () => {
  const steps = fc.array(
    fc.record({
      hash: fc.oneof(fc.nat(9), fc.integer()),
      isAdded: fc.integer({ min: 0, max: 2 }).map((n) => n > 0),
      which: fc.nat(CAPACITY),
    }),
    { maxLength: 150 },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const hashes = new Map<number, number>();
      const chains = createSlotChains(CAPACITY, (slot) => hashes.get(slot) ?? Number.NaN);
      for (const { hash, isAdded, which } of list) {
        const slots = [...hashes.keys()];
        const slot = isAdded ? chains.add(hash) : (slots[which % slots.length] ?? NO_SLOT);
        // Only a full table gives none, and none is given twice.
        expect(isAdded && slots.length < CAPACITY).toBe(isAdded && slot !== NO_SLOT && !slots.includes(slot));
        if (isAdded && slot !== NO_SLOT) hashes.set(slot, hash);
        else if (hashes.has(slot)) chains.remove(slot);
        if (!isAdded) hashes.delete(slot);
        expect(chains.size()).toBe(hashes.size);
        expect(chains.highest()).toBeGreaterThanOrEqual(Math.max(0, ...hashes.keys()));
        for (const [each, its] of hashes)
          expect(under(chains, its).filter((one) => one === each)).toEqual([each]);
      }
    }),
  );
});

test("chains stay short: of 30,000 slots none is in one of more than 30", () => {
  const hashes = new Int32Array(30_001);
  const chains = createSlotChains(30_000, (slot) => hashes[slot] ?? 0);
  for (let i = 1; i <= 30_000; i++) {
    const hash = Math.imul(i, 0x9e37_79b1) ^ (i << 7);
    hashes[chains.add(hash)] = hash;
  }
  const longest = Math.max(...Array.from(hashes.subarray(1), (hash) => under(chains, hash).length));
  expect(longest).toBeLessThanOrEqual(30);
});
