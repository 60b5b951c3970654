import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLineQueue } from "../../src/audit/line-queue.ts";

const PIECE = 64;

function sizeOf(all: readonly Buffer[]): number {
  return all.reduce((sum, { length }) => sum + length, 0);
}

describe("a queue of lines", () => {
  test("gives back all lines in order and whole, and knows how much waits", () => {
    const text = fc.string({ unit: "binary", maxLength: 90 }).map((line) => `${line.replaceAll("\n", "")}\n`);
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ push: text, isEncoded: fc.boolean() }) },
      { weight: 1, arbitrary: fc.constant("take" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = createLineQueue(PIECE);
        const scratch = Buffer.alloc(400);
        const pushed: Buffer[] = [];
        const taken: Buffer[] = [];
        const take = (): boolean => {
          const octets = queue.take();
          if (octets === undefined) return false;
          expect(octets.at(-1)).toBe(0x0a);
          taken.push(Buffer.from(octets));
          queue.release();
          return true;
        };
        for (const one of steps) {
          if (one === "take") take();
          else {
            const length = scratch.write(one.push);
            pushed.push(Buffer.from(one.push));
            queue.push(one.isEncoded ? { octets: () => scratch, length: () => length } : one.push);
            scratch.fill(0);
          }
          expect(queue.octets()).toBe(sizeOf(pushed) - sizeOf(taken));
        }
        while (take());
        expect(Buffer.concat(taken)).toEqual(Buffer.concat(pushed));
      }),
    );
  });

  test("uses a piece again once it is given back, and not before", () => {
    const queue = createLineQueue(PIECE);
    queue.push("one\n");
    const first = queue.take();
    queue.push("two\n");
    expect(first?.toString()).toBe("one\n");
    queue.release();
    const second = queue.take();
    queue.push("three\n");
    queue.release();
    const third = queue.take();
    expect(second?.toString()).toBe("two\n");
    expect(third?.toString()).toBe("three\n");
    expect(third?.buffer).toBe(first?.buffer);
  });
});
