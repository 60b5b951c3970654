import { totalmem } from "node:os";
import { afterEach, expect, test, vi } from "vitest";
import { readMemoryLimit } from "../../src/sys/memory-limit.ts";

afterEach(() => vi.restoreAllMocks());

test.each([
  ["a limit of its group", 256 << 20, 256 << 20],
  ["none, by version 2", 2 ** 64, undefined],
  ["none, by version 1", 2 ** 63 - 4096, undefined],
  ["what the machine has", totalmem(), undefined],
  ["nothing that is known", 0, undefined],
])("%s", (_what, told, limit) => {
  vi.spyOn(process, "constrainedMemory").mockReturnValue(told);
  expect(readMemoryLimit()).toBe(limit);
});
