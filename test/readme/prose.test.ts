/** Pages are read once: their lines are short, and their words are the field's. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { longLines, longSentences, proseLines, proseText } from "./prose.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGES = globSync(["*.md", "docs/**/*.md", "src/**/*.md"], { cwd: ROOT }).toSorted();

const COLUMNS = 110;

/** Phrases that are read twice, and what to write instead. */
const UNWANTED: readonly (readonly [phrase: RegExp, instead: string])[] = [
  [/\bwhoever\b/i, "who, or the program or person that does it"],
  [/\b(?:is|are) (?:said|told)\b(?! (?:apart|from)\b)/, "who says it: a verb with an agent"],
  [/(?:^|[.;:] )Where (?!to\b)/, "If, for a condition"],
  [/\bwhere there (?:is|are)\b/, "if, or without"],
  [/(?:^|[.;:] )Else\b/, "If not, or Otherwise"],
  [/\bat the price of\b/, "costs"],
  [/\bwhat no rule matches\b/i, "the default action"],
  [/\b(?:heeds?|hears?)\b/, "obeys, gets, is sent"],
];

test("each page of the project is looked at", () => {
  expect(PAGES).toContain("README.md");
  expect(PAGES).toContain("docs/run.md");
  expect(PAGES).toContain("docs/security/held.md");
  expect(PAGES).toContain("src/learned/README.md");
});

describe.each(PAGES)("%s", (page) => {
  const text = readFileSync(join(ROOT, page), "utf8");

  test(`has no line of prose past ${COLUMNS} columns; npm run format breaks them`, () => {
    expect(longLines(text, COLUMNS).map((line) => `${page}:${line}`)).toEqual([]);
  });

  test("has none of the phrases that are read twice", () => {
    expect(unwanted(proseText(text))).toEqual([]);
  });
});

/** CONTRIBUTING asks for 25; a few more are let pass, as it is a rule of thumb. */
const WORDS = 30;

test.each(
  PAGES.filter((page) => /^docs\/(?:decisions\/|glossary|troubleshooting|tutorial|newcomer)/.test(page)),
)(`%s has no sentence of more than ${WORDS} words`, (page) => {
  expect(longSentences(readFileSync(join(ROOT, page), "utf8"), WORDS)).toEqual([]);
});

test("a sentence ends at a full stop before a capital letter, and a link counts by its text", () => {
  const page =
    "# A title of six words\n\nOne two three. Four [five six](https://example.org/a b) seven.\n\n- Eight.\n";
  expect(longSentences(page, 3)).toEqual(["Four [five six] seven."]);
  expect(longSentences(page, 4)).toEqual([]);
});

test.each([
  ["Whoever asks gets it.", 1],
  ["It is told at the end; where there is none, nothing is said.", 3],
  ["They are told apart by class.", 0],
  ["Where it can't, it ends. Else it goes on.", 2],
  ["Where to: the far end. It says where it lies.", 0],
  ["A `whoever` in code.", 0],
])("of unwanted phrases %j has %d", (text, count) => {
  expect(unwanted(proseText(text)).length).toBe(count);
});

describe("what is prose", () => {
  const page = [
    "A line.",
    "",
    "```sh",
    "a line of code",
    "```",
    "",
    "    an indented block",
    "",
    "    goes on",
    "",
    "| a | table |",
    "![a picture](p.svg)",
    "- an item",
    "    that goes on",
  ].join("\n");

  test("is neither code, table nor picture", () => {
    expect(proseLines(page).filter(({ text }) => text !== "")).toEqual([
      { number: 1, text: "A line." },
      { number: 13, text: "- an item" },
      { number: 14, text: "    that goes on" },
    ]);
  });

  test("is one text with the tables, without what is code", () => {
    const text = "One `word\nor` two\nand\n| three   |\n```sh\nfour\n```\nfive.";
    expect(proseText(text)).toBe("One `` two and | three | five.");
  });
});

test.each<[text: string, long: boolean]>([
  ["two words", false],
  ["three long words", true],
  ["averylongwordalone", false],
  ["- averylongwordalone", false],
  ["a [link](https://example.org)", false],
  ["a [long link](https://example.org)", true],
  ["    three long words", false],
  ["| three | long | words |", false],
])("at 12 columns %j is long: %j", (text, long) => {
  expect(longLines(`\n${text}\n`, 12).length > 0).toBe(long);
});

/** Each unwanted phrase in its surroundings, with what to write instead. */
function unwanted(text: string): readonly string[] {
  return UNWANTED.flatMap(([phrase, instead]) =>
    [...text.matchAll(new RegExp(phrase, `${phrase.flags}g`))].map(
      ({ index }) => `${text.slice(Math.max(0, index - 40), index + 40)} (${instead})`,
    ),
  );
}
