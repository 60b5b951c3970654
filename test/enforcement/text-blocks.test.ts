import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BLOCK_OCTETS, createTextBlocks } from "../../src/enforcement/text-blocks.ts";

const word = fc.stringMatching(/^[a-z.]{1,70}$/);

describe("text blocks", () => {
  test("give back each text as it was written, and every block of those that were released", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ words: fc.array(word, { maxLength: 5 }), isKept: fc.boolean() })),
        (list) => {
          const blocks = createTextBlocks(2000);
          const kept: { first: number; text: string; words: string[] }[] = [];
          for (const { words, isKept } of list) {
            const text = words.join(" ");
            const first = blocks.write(text);
            if (isKept) kept.push({ first, text, words });
            else blocks.release(first);
          }
          for (const { first, text, words } of kept) {
            expect(blocks.read(first, text.length)).toBe(text);
            for (const each of words) {
              expect(blocks.hasWord(first, text.length, each)).toBe(true);
              expect(blocks.hasWord(first, text.length, `${each}x`)).toBe(words.includes(`${each}x`));
              expect(blocks.hasWord(first, text.length, each.slice(1) || "-")).toBe(
                words.includes(each.slice(1) || "-"),
              );
            }
            blocks.release(first);
          }
          expect(blocks.free).toBe(2000);
        },
      ),
    );
  });

  test("refuse what they have no room for", () => {
    const blocks = createTextBlocks(2);
    blocks.write("x".repeat(BLOCK_OCTETS + 1));
    expect(() => blocks.write("y")).toThrow(RangeError);
  });
});
