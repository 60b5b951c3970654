import { setImmediate } from "node:timers/promises";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { collectAll } from "../../src/sys/process-memory.ts";

test("a full collection takes what nothing holds, and leaves nobody the means to ask for one", async () => {
  const forgotten = new WeakRef({ some: "object" });
  // What has been made or looked at in a turn is held to its end.
  await setImmediate();
  collectAll();
  expect(forgotten.deref()).toBeUndefined();
  expect(runInNewContext("typeof gc")).toBe("undefined");
});
