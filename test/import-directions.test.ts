import { readFileSync, readdirSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { MAY_IMPORT } from "./house-plan.ts";

/** Packages that only some places may import; the others are free. */
const PACKAGE_PLACES: Readonly<Record<string, readonly RegExp[]>> = {
  koffi: [/^src\/sys\//],
  zod: [
    /^src\/policy\/(?:parse-policy|http-shape)\.ts$/,
    /^src\/config(?:\.ts$|\/)/,
    /^src\/api\//,
    /^src\/cli\/run\/config\//,
    /^src\/vault\/request\//,
  ],
  yaml: [/^src\/cli\/run\/config\//],
};

/**
 * Where files are read and written, and programs started: at the edge. Other parts are given what was read,
 * or a function that reads it.
 */
const EDGE: readonly RegExp[] = [
  /\/io\//,
  /^src\/(?:sys|netns|config|cli|sidecar)\//,
  /^src\/(?:launcher|main|config)\.ts$/,
  // Its unix socket is a file.
  /^src\/api\/http\/listen\.ts$/,
  // It reads what the kernel shows of this process's own namespace.
  /^src\/doctor\/checks\/shared-ports\.ts$/,
];
const EDGE_MODULES = new Set(["node:fs", "node:fs/promises", "node:child_process", "node:dgram"]);

/**
 * Modules of Node that a folder without effects may import: computation alone. What has effects is in its
 * `io/`, or given as a parameter: time, random numbers, files.
 */
const PURE_MODULES: Readonly<Record<string, readonly string[]>> = {
  policy: ["node:url", "node:net", "node:crypto"],
  protections: [],
  tables: [],
  "wire-names": ["node:net"],
  vault: ["node:util", "node:path"],
  relay: ["node:crypto"],
  netlink: [],
  dns: [],
  netfilter: [],
  learned: [],
};

/** Time, chance and waiting that need no import. */
const AMBIENT =
  /\b(?:Date\.now|new Date\(\)|performance\.(?:now|timeOrigin)|Math\.random|crypto\.(?:getRandomValues|randomUUID)|setTimeout|setInterval|setImmediate|fetch|process\.(?!env\b)\w+)/;

const ENVIRONMENT =
  /\bprocess\s*(?:\?\.|\.)\s*env\b|\bprocess\s*\[|\benv\b[^;]*\bfrom\s*["'](?:node:)?process["']/;

/** Handing the environment over whole is not reading it; someone has to, and only where a process begins. */
const HAND_OVER = /(?:\breadSettings\(|\benv:\s*)process\.env\b(?!\s*(?:\?\.|\.|\[))/g;
const BEGINNINGS = new Set(["src/main.ts", "src/cli/main.ts"]);

type Sources = ReadonlyMap<string, string>;

/** What breaks the rules, one line each; none when all is well. Paths begin with `src/`. */
function findViolations(sources: Sources): readonly string[] {
  return [...sources].flatMap(([path, text]) => [
    ...importsOf(text).flatMap((specifier) => judgeImport(path, specifier)),
    ...judgeEnvironment(path, withoutComments(text)),
    ...judgeAmbience(path, withoutComments(text)),
    ...judgeEffects(path, withoutComments(text)),
  ]);
}

function judgeEnvironment(path: string, code: string): readonly string[] {
  const judged = BEGINNINGS.has(path) ? code.replace(HAND_OVER, "") : code;
  if (folderOf(path) === "config" || !ENVIRONMENT.test(judged)) return [];
  return [`${path} reads the environment: only src/config.ts does, the others take settings as parameters`];
}

/** Without effects: the folder is listed, and the file is not in its `io/`. */
function isPure(path: string): boolean {
  return folderOf(path) in PURE_MODULES && !path.includes("/io/");
}

function judgeAmbience(path: string, code: string): readonly string[] {
  const found = isPure(path) ? AMBIENT.exec(code)?.[0] : undefined;
  return found === undefined
    ? []
    : [`${path} uses ${found}: src/${folderOf(path)} gets time and chance as parameters`];
}

/** A pure file may know the types of what has effects, and be given the values. */
function judgeEffects(path: string, code: string): readonly string[] {
  if (!isPure(path)) return [];
  const statements = code.matchAll(/^(?:import|export)\s+(?!type\b)([^;"']*?)\bfrom\s*["']([^"']+)["']/gm);
  return [...statements].flatMap(([, what = "", specifier = ""]) => {
    const values = what
      .replaceAll(/[{}\s]/g, " ")
      .split(",")
      .filter((one) => !/^\s*(?:type\b|$)/.test(one));
    if (!specifier.includes("/io/") || values.length === 0) return [];
    return [
      `${path} imports${values.join()} from ${specifier}: only types, src/${folderOf(path)} has no effects`,
    ];
  });
}

function judgeImport(path: string, specifier: string): readonly string[] {
  if (specifier.startsWith(".")) return judgeFile(path, posix.join(posix.dirname(path), specifier));
  if (EDGE_MODULES.has(specifier) && !EDGE.some((place) => place.test(path))) {
    return [
      `${path} imports ${specifier}: files and programs are for io/, src/${folderOf(path)} has no effects`,
    ];
  }
  if (specifier.startsWith("node:")) {
    return !isPure(path) || PURE_MODULES[folderOf(path)]?.includes(specifier) === true
      ? []
      : [`${path} imports ${specifier}: src/${folderOf(path)} has no effects`];
  }
  const places = PACKAGE_PLACES[packageOf(specifier)];
  if (places === undefined || places.some((place) => place.test(path))) return [];
  return [`${path} imports ${specifier}, which only ${places.map((place) => place.source).join(", ")} may`];
}

function judgeFile(path: string, imported: string): readonly string[] {
  if (imported === "package.json") return []; // the version
  if (!imported.startsWith("src/")) return [`${path} imports ${imported}, which is not in src`];
  const [from, to] = [folderOf(path), folderOf(imported)];
  const allowed = MAY_IMPORT[from];
  if (allowed === undefined)
    return [`${path} is in no folder of the house plan: say in MAY_IMPORT what src/${from} may import`];
  if (from === to || allowed.includes(to)) return [];
  return [
    `${path} imports ${imported}: src/${from} may import only [${allowed.join(", ")}], never src/${to}`,
  ];
}

function folderOf(path: string): string {
  return (path.split("/")[1] ?? "").replace(/\.ts$/, "");
}

function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** Everything that a file imports or exports from: statements, `import()`, `import type`, `require()`. */
function importsOf(text: string): readonly string[] {
  const patterns = [
    /^\s*(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']/gm,
    /^\s*import\s*["']([^"']+)["']/gm,
    /\b(?:import|require)\s*\(\s*["'`]([^"'`]+)["'`]/g,
  ];
  const code = withoutComments(text);
  return patterns.flatMap((pattern) => Array.from(code.matchAll(pattern), ([, specifier = ""]) => specifier));
}

/**
 * Comments gone where they take whole lines or end one; a `//` inside a string, as in a URL, has a character
 * other than a blank before it.
 */
function withoutComments(text: string): string {
  return text.replace(/^\s*\/\*[\s\S]*?\*\//gm, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

function readSources(): Sources {
  const root = new URL("../", import.meta.url);
  const paths = readdirSync(new URL("src/", root), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => `src/${path.replaceAll("\\", "/")}`);
  return new Map(paths.map((path) => [path, readFileSync(new URL(path, root), "utf8")]));
}

test("imports go only where the house plan says, and only the settings read the environment", () => {
  const sources = readSources();
  expect(sources.size).toBeGreaterThan(20);
  expect(findViolations(sources)).toEqual([]);
});

/** Circles among the keys of `arrows`, as sorted lists; none when it is a directed acyclic graph. */
function findCircles(arrows: ReadonlyMap<string, ReadonlySet<string>>): readonly (readonly string[])[] {
  const reached = new Map([...arrows.keys()].map((from) => [from, reachedFrom(arrows, from)]));
  const circles = [...arrows.keys()].map((one) =>
    [...(reached.get(one) ?? [])].filter((other) => reached.get(other)?.has(one)).toSorted(),
  );
  return [...new Map(circles.filter((all) => all.length > 0).map((all) => [all.join(), all])).values()];
}

function reachedFrom(arrows: ReadonlyMap<string, ReadonlySet<string>>, from: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const left = [...(arrows.get(from) ?? [])];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    left.push(...(arrows.get(next) ?? []));
  }
  return seen;
}

/** Which file imports which, types too. */
function fileArrows(sources: Sources): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map(
    [...sources].map(([path, text]) => [
      path,
      new Set(
        importsOf(text)
          .filter((specifier) => specifier.startsWith("."))
          .map((specifier) => posix.join(posix.dirname(path), specifier)),
      ),
    ]),
  );
}

/**
 * Which folder below the same parent imports which; a folder's own files may use its subfolders, and be used
 * by them.
 */
function siblingArrows(sources: Sources): ReadonlyMap<string, ReadonlySet<string>> {
  const arrows = new Map<string, Set<string>>();
  for (const [path, imported] of fileArrows(sources)) {
    const from = posix.dirname(path).split("/");
    for (const to of [...imported].map((one) => posix.dirname(one).split("/"))) {
      const parts = from.findIndex((part, at) => part !== to[at]);
      if (parts < 0 || parts >= to.length) continue;
      const [one, other] = [from.slice(0, parts + 1).join("/"), to.slice(0, parts + 1).join("/")];
      arrows.set(one, (arrows.get(one) ?? new Set()).add(other));
    }
  }
  return arrows;
}

describe("nothing goes round in a circle, types counted", () => {
  test("no file imports itself by way of others", () => {
    expect(findCircles(fileArrows(readSources()))).toEqual([]);
  });

  test("no folder imports itself by way of the folders beside it", () => {
    expect(findCircles(siblingArrows(readSources()))).toEqual([]);
  });

  test("a circle is found", () => {
    const sources = new Map([
      ["src/a/io/x.ts", 'import type { Y } from "../wire/y.ts";'],
      ["src/a/wire/y.ts", 'import { z } from "../../b/z.ts";'],
      ["src/b/z.ts", 'export * from "../a/io/x.ts";'],
      ["src/c/w.ts", 'import { z } from "../b/z.ts";'],
    ]);
    expect(findCircles(fileArrows(sources))).toEqual([["src/a/io/x.ts", "src/a/wire/y.ts", "src/b/z.ts"]]);
    expect(findCircles(siblingArrows(sources))).toEqual([["src/a", "src/b"]]);
  });
});

test("every import that is there is seen", () => {
  const text = readSources().get("src/policy/compile.ts") ?? "";
  expect(importsOf(text)).toContain("./rule-trie.ts");
  expect(importsOf(text)).toContain("./rule.ts");
});

describe("a wrong import is caught and named", () => {
  test.each([
    [
      "src/dns/a.ts",
      'import { x } from "../netfilter/b.ts";',
      "src/dns/a.ts imports src/netfilter/b.ts: src/dns may import only [policy, sys, tables], never src/netfilter",
    ],
    ["src/netfilter/io/a.ts", 'import type { X } from "../../dns/b.ts";', "never src/dns"],
    ["src/policy/a.ts", 'export * from "../sys/b.ts";', "never src/sys"],
    ["src/policy/a.ts", 'import { readFile } from "node:fs/promises";', "has no effects"],
    [
      "src/enforcement/keep/a.ts",
      'import { readFile } from "node:fs/promises";',
      "files and programs are for io/",
    ],
    ["src/audit/a.ts", 'import { spawn } from "node:child_process";', "files and programs are for io/"],
    ["src/dns/wire/a.ts", 'import { randomInt } from "node:crypto";', "has no effects"],
    ["src/learned/a.ts", "const nowMs = performance.now();", "uses performance.now"],
    ["src/netfilter/wire/a.ts", "const at = Date.now();", "uses Date.now"],
    ["src/netlink/a.ts", "setTimeout(look, 5);", "uses setTimeout"],
    ["src/learned/a.ts", 'import { open, type X } from "../netfilter/io/b.ts";', "only types"],
    ["src/dns/a.ts", 'export * from "./io/b.ts";', "only types"],
    ["src/tables/a.ts", "const seed = Math.random();", "uses Math.random"],
    ["src/sys/a.ts", 'import {\n  type X,\n  y,\n} from "../policy/b.ts";', "never src/policy"],
    ["src/enforcement/a.ts", 'import "../api/b.ts";', "never src/api"],
    ["src/api/a.ts", 'const b = await import("../cli/b.ts");', "never src/cli"],
    ["src/api/a.ts", 'type B = import("../dns/b.ts").B;', "never src/dns"],
    ["src/netns/a.ts", 'import { x } from "../config.ts";', "never src/config"],
    ["src/cli/a.ts", 'import { x } from "../main.ts";', "never src/main"],
    ["src/extra/a.ts", 'import { x } from "../policy/b.ts";', "is in no folder of the house plan"],
    ["src/cli/a.ts", 'import { x } from "../../test/b.ts";', "not in src"],
    ["src/dns/a.ts", 'import koffi from "koffi";', "koffi, which only"],
    ["src/dns/a.ts", 'const koffi = require("koffi");', "koffi, which only"],
    ["src/policy/target.ts", 'import { z } from "zod";', "zod, which only"],
    ["src/enforcement/a.ts", 'import * as z from "zod/mini";', "zod/mini, which only"],
    ["src/main.ts", "const token = process.env.TOKEN;", "reads the environment"],
    ["src/main.ts", 'const token = process["env"];', "reads the environment"],
    ["src/cli/main.ts", "const context = { env: process.env.HOME };", "reads the environment"],
    ["src/cli/run/a.ts", "const context = { env: process.env };", "reads the environment"],
    ["src/api/a.ts", "const settings = readSettings(process.env);", "reads the environment"],
    ["src/cli/a.ts", 'import { argv, env } from "node:process";', "reads the environment"],
  ])("%s: %s", (path, text, message) => {
    expect(findViolations(new Map([[path, text]])).join()).toContain(message);
  });
});

test.each([
  [
    "src/dns/a.ts",
    'import { type X } from "./io/b.ts";\nimport { y } from "../sys/c.ts";\nimport { z } from "../policy/d.ts";',
  ],
  ["src/config/variables.ts", 'import { z } from "zod";\nexport const home = process.env.HOME;'],
  ["src/policy/parse-policy.ts", 'import { z } from "zod";\nimport { isIP } from "node:net";'],
  ["src/sys/libc.ts", 'import koffi from "koffi";'],
  ["src/dns/io/a.ts", 'import { once } from "node:events";\nsetTimeout(once, 5);'],
  ["src/sys/a.ts", "const nowMs = performance.now();"],
  ["src/enforcement/change/io/a.ts", 'import { open } from "node:fs/promises";'],
  [
    "src/dns/a.ts",
    '/**\n * import { x } from "../netfilter/b.ts" is what this never does\n */\n// process.env is not read here',
  ],
  ["src/main.ts", 'import { x } from "./cli/b.ts";\nimport { y } from "./config.ts";'],
  ["src/main.ts", "const settings = readSettings(process.env);"],
  ["src/cli/main.ts", "await runCommand({ env: process.env, argv });"],
  ["src/sidecar/version.ts", 'import manifest from "../../package.json" with { type: "json" };'],
])("%s may: %s", (path, text) => {
  expect(findViolations(new Map([[path, text]]))).toEqual([]);
});
