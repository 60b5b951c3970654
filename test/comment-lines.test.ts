/**
 * Comments are read beside code: their lines stay within 110 columns. Layouts of octets, indented further,
 * may be wider.
 */
import { globSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";

const COLUMNS = 110;
/** A line of a comment whose text is prose: no layout, which begins with four blanks more. */
const PROSE = /^\s*(?:\/\/|\/\*\*|\*) ?(?! {3})/;
/** What the linter reads has to stand on one line. */
const DIRECTIVE = /oxlint-disable|@ts-/;
/** Comments that begin with `#`: of scripts, deployments and rule files. */
const HASH = /^\s*#(?!!)/;
const OTHERS = [
  ".ci/{prepare,run}",
  ".github/**/*.yml",
  "Dockerfile",
  "action.yml",
  "deploy/**/*.{yaml,toml,service}",
  "image/*",
  "rules/**/*",
];
/** Written by a generator. */
const GENERATED = "src/client/api-types.ts";

test("no line of a comment is longer than 110 columns", () => {
  const files = globSync(["*.ts", "{src,test,packaging}/**/*.ts"]).filter((path) => path !== GENERATED);
  expect(files.length).toBeGreaterThan(1000);
  const long = files.flatMap((path) =>
    readFileSync(path, "utf8")
      .split("\n")
      .flatMap((line, index) =>
        line.length > COLUMNS && PROSE.test(line) && !DIRECTIVE.test(line) ? [`${path}:${index + 1}`] : [],
      ),
  );
  expect(long).toEqual([]);
});

test("no comment of a script, a deployment or a rule file is longer", () => {
  const files = globSync(OTHERS).filter((path) => statSync(path).isFile());
  expect(files).toEqual(expect.arrayContaining(["deploy/compose.yaml", "rules/deny.always", "Dockerfile"]));
  const long = files.flatMap((path) =>
    readFileSync(path, "utf8")
      .split("\n")
      .flatMap((line, index) => (line.length > COLUMNS && HASH.test(line) ? [`${path}:${index + 1}`] : [])),
  );
  expect(long).toEqual([]);
});
