/**
 * A number, a name or a type has one place: what two files know of each by itself changes in one of them.
 */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** Same name and value, and no common meaning: bounds and waits that are tuned apart. May only shrink. */
const BY_CHANCE: ReadonlySet<string> = new Set([
  "BUFFER_OCTETS",
  "FIRST_OCTETS",
  "LINGER_MS",
  "LONGEST_PAUSE_MS",
  "LOWEST",
  "MAX_PLACES",
  "MAX_TTL_SECONDS",
  "PLACES",
  "REST_MS",
  "STRIDE",
]);

/**
 * Types that two rooms have each of their own, as neither may import the other (`house-plan.ts`): the one
 * says what it takes, the other what it gives. May only shrink.
 */
const OF_TWO_ROOMS: ReadonlySet<string> = new Set([
  "Environment",
  "KernelFigures",
  "Link",
  "Upstream",
  "VaultChange",
]);

/** A constant or a type; the value is as it is written, without comments. */
interface Constant {
  readonly path: string;
  readonly name: string;
  readonly value: string;
}

function findConstants(path: string, text: string): readonly Constant[] {
  const found = withoutComments(text).matchAll(
    /^(?:export )?const ([A-Z][A-Z0-9_]+)(?:: [^=]+)? =\s+([^;]+?)(?: as const)?;$/gm,
  );
  return Array.from(found, ([, name = "", value = ""]) => ({ path, name, value: onOneLine(value) }));
}

/**
 * Interfaces and type aliases, but those of a constant of the file. A member is written the same whether it
 * is read-only or not.
 */
function findTypes(path: string, text: string): readonly Constant[] {
  const found = withoutComments(text).matchAll(
    /^(?:export )?(?:interface|type) ([A-Z]\w*)([^;{]*\{\n[\s\S]*?^\}|[^{]*?;$)/gm,
  );
  return Array.from(found, ([, name = "", value = ""]) => ({
    path,
    name,
    value: onOneLine(value.replaceAll("readonly ", "")).replace(/^= (.*);$/, "$1"),
  })).filter(({ value }) => !/\btypeof [A-Z]/.test(value));
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

function onOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

function complaintsAbout(constants: readonly Constant[]): readonly string[] {
  const byMeaning = Map.groupBy(constants, ({ name, value }) => `${name} = ${value}`);
  return Array.from(byMeaning)
    .filter(([, places]) => places.length > 1)
    .map(([meaning, places]) => `${meaning} stands in ${places.map(({ path }) => path).join(" and ")}`);
}

function inSource(find: (path: string, text: string) => readonly Constant[]): readonly Constant[] {
  const src = new URL("../src/", import.meta.url);
  return readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => find(`src/${path}`, readFileSync(new URL(path, src), "utf8")));
}

test("no constant of the same name and value stands in two files", () => {
  const found = inSource(findConstants);
  expect(found.length).toBeGreaterThan(200);
  expect(complaintsAbout(found.filter(({ name }) => !BY_CHANCE.has(name)))).toEqual([]);
});

test("the list of those that are the same by chance holds no others", () => {
  const repeated = new Set(complaintsAbout(inSource(findConstants)).map((words) => words.split(" ", 1)[0]));
  expect(Array.from(BY_CHANCE).filter((name) => !repeated.has(name))).toEqual([]);
});

test("a constant that stands in two files is named with both", () => {
  const twice = [
    ...findConstants("src/a.ts", "const AF_INET6 = 10;\n"),
    ...findConstants("src/b.ts", "export const AF_INET6: number = 10;\n"),
    ...findConstants("src/c.ts", "const AF_INET6 = 11;\n"),
  ];
  expect(complaintsAbout(twice)).toEqual(["AF_INET6 = 10 stands in src/a.ts and src/b.ts"]);
});

test("no type of the same name and members stands in two files", () => {
  const found = inSource(findTypes);
  expect(found.length).toBeGreaterThan(500);
  expect(complaintsAbout(found.filter(({ name }) => !OF_TWO_ROOMS.has(name)))).toEqual([]);
});

test("each type that two rooms have each of their own stands in two rooms, and is the same", () => {
  const found = inSource(findTypes).filter(({ name }) => OF_TWO_ROOMS.has(name));
  const rooms = Map.groupBy(found, ({ name, value }) => `${name} ${value}`);
  const repeated = Array.from(rooms.values()).filter((places) => places.length > 1);
  expect(new Set(repeated.map(([first]) => first?.name))).toEqual(OF_TWO_ROOMS);
  for (const places of repeated)
    expect(new Set(places.map(({ path }) => path.split("/")[1])).size).toBe(places.length);
});

test("a type that stands in two files is named with both, a constant over several lines too", () => {
  const texts = [
    "export interface Cut {\n  /** Here. */\n  readonly at: number;\n}\nconst NAMES = [\n  1,\n] as const;\n",
    "interface Cut {\n  at: number;\n}\nexport const NAMES = [\n  1,\n];\n",
    "interface Cut {\n  at: string;\n}\ntype Kind = 1 | 2;\n",
    "type Kind = 1 | 2;\ninterface Cut {\n  at: number;\n  to: number;\n}\n",
  ];
  const found = texts.flatMap((text, index) => [
    ...findTypes(`src/${index}.ts`, text),
    ...findConstants(`src/${index}.ts`, text),
  ]);
  expect(complaintsAbout(found)).toEqual([
    "Cut = { at: number; } stands in src/0.ts and src/1.ts",
    "NAMES = [ 1, ] stands in src/0.ts and src/1.ts",
    "Kind = 1 | 2 stands in src/2.ts and src/3.ts",
  ]);
});
