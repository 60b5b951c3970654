import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openLogOutput } from "../../src/audit/io/log-output.ts";

test.each(["a file", "nothing"])("a link to %s is not followed: it may be the workload's", async (to) => {
  const folder = await mkdtemp(join(tmpdir(), "log-"));
  const [victim, path] = [join(folder, "deny.always"), join(folder, "egress.log")];
  const text = to === "a file" ? "203.0.113.1\n" : undefined;
  if (text !== undefined) await writeFile(victim, text);
  await symlink(victim, path);
  expect(() => openLogOutput(path)).toThrow(
    `log output ${path} cannot be opened: a link stands there: name the file itself`,
  );
  expect(await readFile(victim, "utf8").catch(() => undefined)).toBe(text);
  await rm(folder, { recursive: true });
});

test.each(["/dev/stdout", "/dev/stderr"])("%s is the stream itself, as containers name it", (name) => {
  expect(() => openLogOutput(name)).not.toThrow();
});
