import { expect, test } from "vitest";
import { createGrowingCount } from "../../../src/enforcement/refusals/growing-count.ts";

test("the sum goes on where the counter begins anew, or is away for a while", () => {
  const count = createGrowingCount();
  expect([5, 7, 2, undefined, 0, 4, 4].map((read) => count.take(read))).toEqual([5, 7, 9, 9, 9, 13, 13]);
});
