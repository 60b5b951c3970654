import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const CHILD = fileURLToPath(new URL("./faulty-child.ts", import.meta.url));

test("what is thrown where nobody waits for it is undone like any failure; what comes then is told", () => {
  const { stdout, status } = spawnSync(process.execPath, [CHILD], { encoding: "utf8" });
  expect({ stdout, status }).toEqual({
    stdout: "told: second\nundone\nfailed by first\nagain a crash\n",
    status: 7,
  });
});
