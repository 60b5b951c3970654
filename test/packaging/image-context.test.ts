/** The image is built from what `.dockerignore` lets through, which has to be all that the build reads. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const read = (name: string): Promise<string> => readFile(new URL(`../../${name}`, import.meta.url), "utf8");

const isWithin = (folders: readonly string[]) => (path: string) =>
  folders.some((folder) => path === folder || path.startsWith(`${folder}/`));

test("what the Dockerfile copies, and what the build's script imports, is let through and copied", async () => {
  const allowed = (await read(".dockerignore"))
    .split("\n")
    .flatMap((line) => line.match(/^!(.+)$/)?.[1] ?? []);
  const copied = [...(await read("Dockerfile")).matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
    ([, sources = ""]) => sources.split(" "),
  );
  const imported = [...(await read("build.ts")).matchAll(/^import .* from "\.\/(.+)";$/gm)].map(
    ([, path = ""]) => path,
  );
  expect(imported.length).toBeGreaterThan(1);
  expect(copied.filter((path) => !isWithin(allowed)(path))).toEqual([]);
  expect(imported.filter((path) => !isWithin(copied)(path))).toEqual([]);
});
