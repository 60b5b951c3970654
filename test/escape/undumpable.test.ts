/**
 * What another process of the same user may look at. Core dumps and /proc go by one flag of the kernel's
 * (core(5), proc(5)).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { execIn, HERE } from "../../src/netns/namespace.ts";

const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] as const;
const CHILD = fileURLToPath(new URL("../sys/dumpable-child.ts", import.meta.url));

test.each([
  ["dumpable", 0],
  ["undumpable", 1],
])("the memory map of a process that is %s: cat ends with %i", async (how, exitCode) => {
  const [file, ...args] = [...NOBODY, process.execPath, CHILD, how];
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
  try {
    await once(child.stdout, "data");
    const looked = await execIn(HERE, [...NOBODY, "cat", `/proc/${child.pid ?? 0}/maps`]);
    expect(looked).toMatchObject({ exitCode });
  } finally {
    child.kill("SIGKILL");
    await once(child, "close");
  }
});
