/** Small changes over netlink leave the kernel with just what nft(8) would have loaded. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createNamespace, execIn } from "../../src/netns/namespace.ts";
import { TEST_MS } from "../support/limits.ts";

const CHILD = fileURLToPath(new URL("../netfilter/delta-child.ts", import.meta.url));

test.each([1, 2])("sixty changes one after the other, seed %i", async (seed) => {
  await using namespace = await createNamespace("delta");
  const run = await execIn(namespace, [process.execPath, CHILD, String(seed)], { timeoutMs: TEST_MS });
  expect(run.stderr).not.toContain("Error");
  const { applied, differences } = JSON.parse(run.stdout);
  expect(differences).toEqual([]);
  expect(applied).toBe(60);
});
