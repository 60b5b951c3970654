/**
 * What the tables of a sandbox reserve by their capacity, and what of it they touch before anything comes.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { z } from "zod";
import { DEFAULT_CAPACITY, type SandboxCapacity } from "../../src/enforcement/capacity.ts";

const COUNT = 10;
const SMALL: SandboxCapacity = {
  learnedAddresses: 1024,
  dns: {
    maxWaiters: 512,
    maxLookups: 256,
    cachedAnswers: 512,
    cacheOctets: 128 << 10,
    boundParents: 256,
    boundNames: 2048,
  },
};

const figures = z.object({ opened: z.literal(COUNT), reserved: z.number(), touched: z.number() });

/** In a process of its own, whose memory is nobody else's. */
async function measure(capacity: SandboxCapacity): Promise<z.infer<typeof figures>> {
  const child = join(import.meta.dirname, "tables-child.ts");
  const argv = ["--disable-warning=ExperimentalWarning", child, String(COUNT), JSON.stringify(capacity)];
  const { stdout } = await promisify(execFile)(process.execPath, argv);
  return figures.parse(JSON.parse(stdout));
}

test("memory of a sandbox's tables is reserved by its capacity, and hardly any of it is touched", async () => {
  const usual = await measure(DEFAULT_CAPACITY);
  const small = await measure(SMALL);
  expect(usual.reserved).toBeGreaterThan(36 << 20);
  expect(usual.reserved).toBeLessThan(64 << 20);
  expect(usual.touched).toBeLessThan(8 << 20);
  // What stays is the lab's own: rooms for messages.
  expect(small.reserved).toBeLessThan(3 << 20);
  expect(small.touched).toBeLessThan(usual.touched + (1 << 20));
});
