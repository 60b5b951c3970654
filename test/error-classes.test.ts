/** Errors are told apart by class and code: where these stand and how they look is the same everywhere. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

interface ErrorClass {
  readonly path: string;
  readonly name: string;
  /**
   * Codes of our own that its field or type lists; none where a code is the system's word, such as errno's
   * name.
   */
  readonly codes: readonly string[];
}

function findErrorClasses(path: string, text: string): readonly ErrorClass[] {
  const classes = text.matchAll(/\bclass (\w+) extends (?:\w*Error)\b([\s\S]*?)\n\}/g);
  return Array.from(classes, ([, name = "", body = ""]) => {
    const [, field = ""] = /readonly code(?::| =)([^;]*);/.exec(body) ?? [];
    return { path, name, codes: Array.from(field.matchAll(/"([^"]*)"/g), ([, code = ""]) => code) };
  });
}

function complaintsAbout({ path, name, codes }: ErrorClass): readonly string[] {
  return [
    ...(name.endsWith("Error") ? [] : [`${path}: ${name} does not end in Error`]),
    ...(path.endsWith("/errors.ts") ? [] : [`${path}: ${name} belongs into the errors.ts of its concept`]),
    ...codes
      .filter((code) => !/^[a-z]+(?:-[a-z]+)*$/.test(code))
      .map((code) => `${path}: ${code} is not in kebab case`),
  ];
}

test("each class of errors stands in its concept's errors.ts, ends in Error, and has codes in kebab case", () => {
  const src = new URL("../src/", import.meta.url);
  const paths = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  const found = paths.flatMap((path) =>
    findErrorClasses(`src/${path}`, readFileSync(new URL(path, src), "utf8")),
  );
  expect(found.length).toBeGreaterThan(10);
  expect(found.flatMap(complaintsAbout)).toEqual([]);
});

describe("a class that is not so is named", () => {
  test.each([
    ["src/a/errors.ts", "Refusal", '"refused"', "src/a/errors.ts: Refusal does not end in Error"],
    ["src/a/b.ts", "BError", '"failed"', "src/a/b.ts: BError belongs into the errors.ts of its concept"],
    [
      "src/a/errors.ts",
      "AError",
      '"too-late" | "TOO_EARLY"',
      "src/a/errors.ts: TOO_EARLY is not in kebab case",
    ],
  ])("%s: %s", (path, name, codes, complaint) => {
    const text = `export class ${name} extends Error {\n  readonly code: ${codes};\n}\n`;
    expect(findErrorClasses(path, text).flatMap(complaintsAbout)).toEqual([complaint]);
  });
});
