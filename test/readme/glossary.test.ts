/** The glossary says what words mean that are used, each once. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { localLinks, tableAfter } from "./markdown.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const GLOSSARY = "docs/glossary.md";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

const glossary = read(GLOSSARY);
const rows = [...glossary.matchAll(/^## .+$/gm)].flatMap(([heading]) =>
  tableAfter(glossary, `\n${heading}\n`),
);
const words = rows.flatMap(([word = ""]) => word.split(", "));

test("each word of the glossary has its meaning, and stands there once", () => {
  expect(words.length).toBeGreaterThan(40);
  expect(rows.filter((row) => row.length !== 2 || row.includes(""))).toEqual([]);
  expect(words.filter((word, index) => words.indexOf(word) !== index)).toEqual([]);
});

test("each word of the glossary is used in the code or on another page", () => {
  const places = globSync(["*.md", "docs/**/*.md", "src/**/*.{ts,md}"], { cwd: ROOT });
  const text = places
    .filter((place) => place !== GLOSSARY)
    .map((place) => read(place))
    .join("\n");
  expect(words.filter((word) => !new RegExp(`\\b${word}(?:s|es)?\\b`, "i").test(text))).toEqual([]);
});

test("README and the architecture lead to the glossary", () => {
  expect(localLinks(read("README.md"))).toContain(GLOSSARY);
  expect(localLinks(read("docs/architecture.md"))).toContain("glossary.md");
});
