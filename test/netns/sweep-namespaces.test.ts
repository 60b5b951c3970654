/** What tests, benches and the lab have left is told by its name. */
import { statSync } from "node:fs";
import { expect, test } from "vitest";
import { requireCommand } from "../../src/netns/command.ts";
import { sweepNamespaces } from "../../src/netns/namespace.ts";

test("a namespace whose process is gone is swept, unless its process id is of another process namespace", async () => {
  const own = statSync("/proc/self/ns/pid").ino;
  // Past the highest process id that there can be.
  const [dead, unknown] = [`egress-ns-4194305-${own}-0-dead`, `egress-ns-4194305-${own + 1}-0-unknown`];
  for (const name of [dead, unknown]) await requireCommand(["ip", "netns", "add", name]);
  const swept = await sweepNamespaces();
  await requireCommand(["ip", "netns", "delete", unknown]);
  expect(swept).toContain(dead);
  expect(swept).not.toContain(unknown);
});
