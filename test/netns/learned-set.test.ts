/**
 * The sets of learned addresses in the kernel: a batch is in force whole or not at all, wherever in it the
 * fault is.
 */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createNamespace, execIn } from "../../src/netns/namespace.ts";
import { WAIT_MS } from "../support/limits.ts";

const CHILD = fileURLToPath(new URL("../netfilter/learned-child.ts", import.meta.url));

test.each([
  [4, "new"],
  [6, "new"],
  [4, "old"],
  [6, "old"],
])(
  "a batch is refused for a message in its middle, and what is not there can go, over IPv%i, as a kernel takes it that is %s",
  async (family, age) => {
    await using namespace = await createNamespace("learned");
    const run = await execIn(namespace, [process.execPath, CHILD, String(family), age], {
      timeoutMs: WAIT_MS,
    });
    expect(run.stderr).not.toContain("Error");
    expect(JSON.parse(run.stdout)).toEqual({
      batches: [
        { end: "in force", held: [1] },
        { end: "ENFILE", held: [1] },
        { end: "in force", held: [] },
        { end: "in force", held: [5, 6] },
      ],
      comments: [0, 0, ...Array.from({ length: 998 }, () => 251)],
    });
  },
);
