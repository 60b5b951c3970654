/** Rules and files on a command line, for every command that takes some. */
import { parseWrittenRule } from "./written-rule.ts";
import {
  accepted,
  type Problem,
  quote,
  refused,
  refusedAll,
  type Result,
  strictly,
} from "../../policy/problem.ts";
import { type Action, parseAction, type Rule } from "../../policy/rule.ts";

/** For `parseArgs` of node:util. */
export const RULE_OPTIONS = {
  allow: { type: "string", multiple: true },
  deny: { type: "string", multiple: true },
} as const;

export interface WrittenRule {
  readonly action: Action;
  readonly target: string;
}

/** Gives a file's text, or throws; `-` is the standard input. */
export type ReadText = (path: string) => string;

/**
 * The rules among the tokens of `parseArgs`, in the order in which they were written; a value may be a list
 * with commas.
 */
export function findRules(
  tokens: readonly { readonly kind: string; readonly name?: string; readonly value?: string | undefined }[],
): readonly WrittenRule[] {
  return tokens.flatMap(({ kind, name, value = "" }) =>
    kind === "option" && (name === "allow" || name === "deny")
      ? splitList(value).map((target) => ({ action: name, target }))
      : [],
  );
}

/**
 * No target and no name of a preset has a comma in it. A blank between two commas stays one, to be refused.
 */
export function splitList(value: string): readonly string[] {
  return value.split(",");
}

/** Names each bad rule as it was written. */
export function readRules(written: readonly WrittenRule[]): Result<readonly Rule[]> {
  return all(
    written.map(({ action, target }) => {
      const result = parseWrittenRule(action, target);
      return result.ok ? result : refusedAll(placed(result.problems, `--${action} ${quote(target)}`));
    }),
  );
}

/** The value of `--default`. */
export function readDefault(text: string | undefined): Result<Action | undefined> {
  if (text === undefined) return accepted(undefined);
  const action = text.trim() === "" ? undefined : parseAction(text);
  if (action === undefined) return refused(`${quote(text)} is neither allow nor deny`, "--default");
  return accepted(action);
}

/**
 * Reads the file of an option such as `--file`; a key that nobody knows is refused. Each problem begins with
 * option and path.
 */
export function readFileOf<T>(
  option: string,
  path: string,
  readText: ReadText,
  parse: (text: string) => Result<T>,
): Result<T> {
  const place = `${option} ${path}`;
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    return refused(describeFailure(error), place);
  }
  const parsed = strictly(parse(text));
  return parsed.ok ? parsed : refusedAll(placed(parsed.problems, place));
}

/** All values, or the problems of all. */
export function all<T>(results: readonly Result<T>[]): Result<readonly T[]> {
  const problems = results.flatMap((result) => (result.ok ? [] : result.problems));
  if (problems.length > 0) return refusedAll(problems);
  return accepted(results.flatMap((result) => (result.ok ? [result.value] : [])));
}

function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && error.code === "ENOENT" ? "there is no such file" : error.message;
}

function placed(problems: readonly Problem[], place: string): readonly Problem[] {
  return problems.map(({ path, message }) => ({ path: path === "" ? place : `${place}: ${path}`, message }));
}
