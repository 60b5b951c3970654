import { parseAlwaysFile, parseNameFile, parsePrefixFile } from "../../../src/policy/always-file.ts";
import type { Result } from "../../../src/policy/problem.ts";
import { parseTarget, type Target as RuleTarget } from "../../../src/policy/target.ts";
import type { Random } from "../engine/random.ts";
import { plainChecker, type Target } from "../engine/target.ts";

const PIECES = [
  "a.example",
  "*.example",
  "192.0.2.1",
  "192.0.2.0/24",
  "2001:db8::/32",
  " ",
  "\t",
  "#",
  "# x",
  "\n",
  "\r\n",
  "\r",
  "\u00a0",
  "\ufeff",
  "*",
  "/",
  ".",
  "é",
  "\u2028",
] as const;
const FILE = "deny.always";

/**
 * Rule files: each target is one of a line that has nothing else, each problem names its line, and canonical
 * forms read as themselves.
 */
export const ruleFile: Target = {
  name: "rule-file",
  seeds: "rule-file",
  make: (random) => Buffer.from(Array.from({ length: random.below(40) }, () => piece(random)).join("")),
  open: async () => plainChecker((input) => check(input.toString("utf8"))),
};

function piece(random: Random): string {
  return random.pick(PIECES) + (random.once(2) ? "\n" : "");
}

function check(text: string): string {
  const lines = text.split(/\r\n|\n|\r/);
  const written = lines.map((line) => line.replace(/#.*$/s, "").trim()).filter(Boolean);
  const all = parseAlwaysFile(FILE, text);
  for (const result of [all, parseNameFile(FILE, text), parsePrefixFile(FILE, text)])
    checkResult(result, lines.length, written);
  return all.ok ? (all.value.length === 0 ? "empty" : "targets") : "refused";
}

function checkResult(result: Result<readonly RuleTarget[]>, lines: number, written: readonly string[]): void {
  if (!result.ok) {
    if (result.problems.length === 0) throw new Error("refused, and no problem told");
    for (const { path, message } of result.problems) {
      const line = path === "" ? 1 : Number(path.replace(`${FILE}:`, ""));
      if (!(line >= 1 && line <= lines)) throw new Error(`a problem at ${path}: ${message}`);
    }
    return;
  }
  if (result.value.map(({ text }) => text).join("\n") !== written.join("\n"))
    throw new Error("not the targets that are written");
  for (const { key } of result.value) {
    const again = parseTarget(key);
    if (!again.ok || again.value.key !== key)
      throw new Error(`the canonical form ${key} does not read as itself`);
  }
}
