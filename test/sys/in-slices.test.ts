import { expect, test } from "vitest";
import { runInSlices } from "../../src/sys/in-slices.ts";

/** Steps until `isOver` says so, then this. */
function* stepsUntil(isOver: () => boolean, end: () => string): Generator<void, string, undefined> {
  while (!isOver()) yield;
  return end();
}

test("everything else has its turn before long work is done", async () => {
  const seen: string[] = [];
  setImmediate(() => seen.push("else"));
  const steps = stepsUntil(
    () => seen.length > 0,
    () => "done",
  );
  expect(await runInSlices(steps)).toBe("done");
});

test("an error in a step is the caller's", async () => {
  const steps = stepsUntil(
    () => true,
    () => {
      throw new Error("step two");
    },
  );
  await expect(runInSlices(steps)).rejects.toThrow("step two");
});
