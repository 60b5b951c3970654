/** A number or a name has one place: what two files know of each by itself changes in one of them. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** Same name and value, and no common meaning: bounds and waits that are tuned apart. May only shrink. */
const BY_CHANCE: ReadonlySet<string> = new Set([
  "BUFFER_OCTETS",
  "FIRST_OCTETS",
  "LIMIT_MS",
  "LINGER_MS",
  "LONGEST_PAUSE_MS",
  "LOWEST",
  "MAX_PLACES",
  "MAX_TTL_SECONDS",
  "PLACES",
  "REST_MS",
  "STRIDE",
]);

interface Constant {
  readonly path: string;
  readonly name: string;
  readonly value: string;
}

function findConstants(path: string, text: string): readonly Constant[] {
  const lines = text.matchAll(/^(?:export )?const ([A-Z][A-Z0-9_]+)(?:: [^=]+)? = (.+);/gm);
  return Array.from(lines, ([, name = "", value = ""]) => ({ path, name, value }));
}

function complaintsAbout(constants: readonly Constant[]): readonly string[] {
  const byMeaning = Map.groupBy(constants, ({ name, value }) => `${name} = ${value}`);
  return Array.from(byMeaning)
    .filter(([, places]) => places.length > 1)
    .map(([meaning, places]) => `${meaning} stands in ${places.map(({ path }) => path).join(" and ")}`);
}

function constantsOfSource(): readonly Constant[] {
  const src = new URL("../src/", import.meta.url);
  return readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => findConstants(`src/${path}`, readFileSync(new URL(path, src), "utf8")));
}

test("no constant of the same name and value stands in two files", () => {
  const found = constantsOfSource();
  expect(found.length).toBeGreaterThan(200);
  expect(complaintsAbout(found.filter(({ name }) => !BY_CHANCE.has(name)))).toEqual([]);
});

test("the list of those that are the same by chance holds no others", () => {
  const repeated = new Set(complaintsAbout(constantsOfSource()).map((words) => words.split(" ", 1)[0]));
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
