import { once } from "node:events";
import { mkdtemp, rename, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isAnswered } from "../../../src/doctor/io/surroundings.ts";

test("a socket's file is a power only while somebody answers there", async () => {
  const folder = await mkdtemp(join(tmpdir(), "doctor-"));
  const [bound, moved] = [join(folder, "bound.sock"), join(folder, "moved.sock")];
  const server = createServer().listen(bound);
  await once(server, "listening");
  // Node takes the file away with its server, under the name that it was bound to.
  await rename(bound, moved);
  expect(await isAnswered(moved)).toBe(true);
  server.close();
  await once(server, "close");
  expect((await stat(moved)).isSocket()).toBe(true);
  expect(await isAnswered(moved)).toBe(false);
  expect(await isAnswered(bound)).toBe(false);
  expect(await isAnswered(undefined)).toBe(false);
  await rm(folder, { recursive: true });
});
