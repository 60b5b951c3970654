import { expect, test } from "vitest";
import { createGrowingBuffer } from "../../../src/api/http/growing-buffer.ts";

test("gives the octets in their order, up to the limit and no further", () => {
  const buffer = createGrowingBuffer(10_000);
  for (let n = 0; n < 10_000; n += 1) expect(buffer.add(Buffer.of(n & 255))).toBe(true);
  expect(buffer.add(Buffer.of(0))).toBe(false);
  expect(buffer.capacity()).toBe(10_000);
  expect(buffer.take()).toEqual(Buffer.from(Array.from({ length: 10_000 }, (_, n) => n & 255)));
  expect(buffer.capacity()).toBe(0);
});

test("takes no more than twice what it holds, once that is a page", () => {
  const buffer = createGrowingBuffer(1 << 20);
  for (let n = 1; n <= 300; n += 1) {
    buffer.add(Buffer.alloc(1000));
    expect(buffer.capacity()).toBeLessThanOrEqual(Math.max(4096, 2 * n * 1000));
  }
});

test("keeps nothing once it is released, nor of what is added later", () => {
  const buffer = createGrowingBuffer(1 << 20);
  buffer.add(Buffer.alloc(10_000));
  buffer.release();
  expect(buffer.capacity()).toBe(0);
  expect(buffer.add(Buffer.of(0))).toBe(false);
});
