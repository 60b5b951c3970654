/**
 * README.md and CONTRIBUTING.md say what is so. The sessions that README.md shows are typed again in
 * test/netns/readme.test.ts.
 */
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { AUDIT_HEADER, CUT_HEADER, SIGNATURE_HEADER, TOKEN_HEADER } from "../../src/api/headers.ts";
import { HELP_OF } from "../../src/cli/completion/words.ts";
import { HELP } from "../../src/cli/help.ts";
import { POLICY_HELP } from "../../src/cli/policy/help.ts";
import { findUnserved } from "../../src/config/unserved-variables.ts";
import { VARIABLES } from "../../src/config/variables.ts";
import { parsePolicyJson, parseRulesJson } from "../../src/policy/parse-policy.ts";
import { PROTECTIONS } from "../../src/protections/protection.ts";
import { MAY_IMPORT } from "../house-plan.ts";
import { anchors, codeSpans, findBlocks, localLinks, tableAfter } from "./markdown.ts";
import { settingsRows } from "./settings-table.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGES = globSync(["*.md", "docs/**/*.md", "src/**/*.md"], { cwd: ROOT }).toSorted();

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

test("the table of settings is the code's", () => {
  expect(tableAfter(read("docs/settings.md"), "# Settings\n")).toEqual(settingsRows());
});

test("SECURITY's table of protections is the code's", () => {
  const rows = Object.entries(PROTECTIONS).map(([name, { meaning, remedy }]) => [
    `\`${name}\``,
    meaning,
    remedy,
  ]);
  expect(tableAfter(read("SECURITY.md"), "\n## Protections that depend on the machine\n")).toEqual(rows);
});

test("each row of CONTRIBUTING's table of what to open leads to files that are there", () => {
  const rows = tableAfter(read("CONTRIBUTING.md"), "\n## To change X, open Y\n");
  expect(rows.length).toBeGreaterThan(11);
  for (const [what, ...cells] of rows) {
    const paths = cells.map(codeSpans);
    const missing = paths.flat().filter((path) => !existsSync(join(ROOT, path)));
    expect({ what, hasPaths: paths.every(({ length }) => length > 0), missing }).toEqual({
      what,
      hasPaths: true,
      missing: [],
    });
  }
});

describe.each(PAGES)("%s", (page) => {
  const text = read(page);

  test("links to files and headings that are there", () => {
    const dead = localLinks(text).filter((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : posix.join(posix.dirname(page), path);
      return (
        !existsSync(join(ROOT, target)) || (anchor !== undefined && !anchors(read(target)).includes(anchor))
      );
    });
    expect(dead).toEqual([]);
  });

  test("names paths that are there", () => {
    const drawn = text.match(/\b(?:src|test)\/[\w/-]+\.ts\b/g) ?? [];
    const paths = [...codeSpans(text), ...pathsOfTree(text), ...drawn].filter((code) =>
      /^(?:src|test|docs|rules|\.ci)\/[\w./-]*$/.test(code),
    );
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test("names scripts that npm knows", () => {
    const named = [...text.matchAll(/\bnpm run (?<script>[\w:]+)/g)].map(({ groups }) => groups?.["script"]);
    expect(named.filter((script) => !Object.keys(manifest.scripts).includes(script ?? ""))).toEqual([]);
  });

  test("names variables that are read", () => {
    const known = new Set([...Object.values(VARIABLES).map(({ name }) => name), ...HEADERS]);
    const named = text.match(/\b(?:OPENSANDBOX|OTEL)[_-][A-Z0-9_-]+\b(?!\*)/g) ?? [];
    expect(named.filter((name) => !known.has(name) && !isSwitch(name))).toEqual([]);
  });

  test("names commands and options of egress that its help has", () => {
    for (const { command = "", rest = "" } of callsOfEgress(text)) {
      // "egress sidecar ready" is a line of the log.
      if (command.startsWith("-") || command === "sidecar") continue;
      expect(HELP, `egress ${command}`).toMatch(new RegExp(`^ {2}${command} `, "m"));
      const help = HELP_OF[command] ?? HELP;
      const options = (rest.split(" -- ")[0] ?? "").match(/(?<= )--[a-z-]+/g) ?? [];
      expect(options.filter((option) => !help.includes(option))).toEqual([]);
    }
  });
});

test("README leads to each page of docs, by links", () => {
  const found = new Set(["README.md"]);
  for (const page of found) {
    if (!page.endsWith(".md")) continue;
    for (const link of localLinks(read(page)))
      found.add(posix.join(posix.dirname(page), link.split("#")[0] ?? ""));
  }
  expect(PAGES.filter((page) => page.startsWith("docs/") && !found.has(page))).toEqual([]);
});

test("the architecture page has each folder of the house plan, and no other", () => {
  const tree = [...read("docs/architecture.md").matchAll(/^ {4}src\/(?<folder>[\w-]+)(?:\/|\.ts) /gm)];
  expect(tree.map(({ groups }) => groups?.["folder"] ?? "").toSorted()).toEqual(
    Object.keys(MAY_IMPORT).toSorted(),
  );
});

test("each attack that is held names tests that are there, and each test of an attack has its heading", () => {
  const sections = read("docs/security/held.md").split("\n### ").slice(1);
  expect(sections.length).toBeGreaterThan(30);
  const named = sections.flatMap((section) => {
    const tests = section.match(/\btest\/[\w/-]+\.test\.ts/g) ?? [];
    expect({ heading: section.split("\n")[0], hasTests: tests.length > 0 }).toMatchObject({ hasTests: true });
    return tests;
  });
  expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  const rows = readdirSync(join(ROOT, "test/escape")).filter((name) => name.startsWith("row-"));
  const open = read("docs/security/open.md");
  const missing = rows
    .map((name) => `test/escape/${name}`)
    .filter((path) => !named.includes(path) && !open.includes(path));
  expect(missing).toEqual([]);
});

test("README shows calls of egress, and scripts of npm", () => {
  expect(read("README.md")).toMatch(/\bnpm run \w/);
  expect(callsOfEgress(read("README.md")).length).toBeGreaterThan(5);
});

test("each option in the paragraph about changes is one of egress policy", () => {
  const paragraph = /\*\*Changing the policy\.\*\*[^]*?\n\n/.exec(read("docs/operating.md"))?.[0] ?? "";
  const options = paragraph.match(/--[a-z-]+/g) ?? [];
  expect(options.length).toBeGreaterThan(5);
  expect(options.filter((option) => !POLICY_HELP.includes(option))).toEqual([]);
  for (const action of ["get", "patch", "replace", "delete", "reset"]) {
    expect(paragraph).toContain(action);
    expect(POLICY_HELP).toContain(`egress policy ${action}`);
  }
});

test("policies and rules that README and the page of a running sidecar show are taken", () => {
  const pages = read("README.md") + read("docs/operating.md");
  const shown = [...pages.matchAll(/'(?<json>[[{].*?[}\]])'/g)].map(({ groups }) => groups?.["json"] ?? "");
  expect(shown.length).toBeGreaterThan(2);
  const refused = shown.filter(
    (json) => !(json.startsWith("[") ? parseRulesJson(json) : parsePolicyJson(json)).ok,
  );
  expect(refused).toEqual([]);
});

test("what a page imports from the package is exported", async () => {
  const imports = [
    ...read("docs/operating.md").matchAll(/import \{ (?<name>\w+) \} from "egress-sidecar(?<path>[^"]*)"/g),
  ];
  expect(imports.map(({ groups }) => groups?.["path"])).toEqual(["/client"]);
  expect(Object.keys(manifest.exports)).toContain("./client");
  expect(Object.keys(await import("../../src/client/client.ts"))).toContain(imports[0]?.groups?.["name"]);
});

/** Whether it is a switch of the original that is refused, not read. */
function isSwitch(name: string): boolean {
  return findUnserved({ [name]: "on" }).length > 0;
}

const CALL = /(?:^|[ ;])(?:egress|src\/main\.ts) (?<command>[a-z-]+)(?<rest>[^;]*)/g;
const HEADERS = [TOKEN_HEADER, AUDIT_HEADER, CUT_HEADER, SIGNATURE_HEADER];

/** Each `egress COMMAND REST` on a page. */
function callsOfEgress(text: string): readonly { readonly [part: string]: string }[] {
  const lines = [...codeSpans(text), ...commandLines(text)];
  return lines.flatMap((line) => [...line.matchAll(CALL)].map(({ groups }) => groups ?? {}));
}

/** What is typed in fenced blocks. */
function commandLines(text: string): readonly string[] {
  return findBlocks(text).flatMap(({ language, lines }) =>
    language === "console"
      ? lines.flatMap((line) => /^\w*\$ (?<command>.*)$/.exec(line)?.groups?.["command"] ?? [])
      : language === "sh"
        ? lines
        : [],
  );
}

/** The first word of each line of an indented tree. */
function pathsOfTree(text: string): readonly string[] {
  return [...text.matchAll(/^ {4}(?<path>\S+\/\S*) {2,}\S/gm)].map(({ groups }) => groups?.["path"] ?? "");
}
