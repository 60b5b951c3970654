/**
 * What is wrong with a piece of input, and where: `path` as `egress[3].target`, empty for the whole.
 * `message` is one line of plain text.
 */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/**
 * The outcome of reading input: the value and its warnings, or every problem that was found (at least one).
 */
export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly warnings?: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** A report lists this many problems before it only counts the rest. */
const PROBLEMS_SHOWN = 20;

/** Of many warnings the first 20, and one that counts the others. */
export function accepted<T>(value: T, warnings: readonly Problem[] = []): Result<T> {
  return warnings.length === 0
    ? { ok: true, value }
    : { ok: true, value, warnings: firstOf(warnings, "warning") };
}

export function refused(message: string, path = ""): Result<never> {
  return { ok: false, problems: [{ path, message }] };
}

/** A refusal with many problems: the first 20 in order, then one that counts the others. */
export function refusedAll(problems: readonly Problem[]): Result<never> {
  return { ok: false, problems: firstOf(problems, "problem") };
}

/** The value, if reading it gave no warning; the warnings are problems otherwise. */
export function strictly<T>(result: Result<T>): Result<T> {
  return result.ok && result.warnings !== undefined ? { ok: false, problems: result.warnings } : result;
}

function firstOf(found: readonly Problem[], what: string): readonly Problem[] {
  const hidden = found.length - PROBLEMS_SHOWN;
  if (hidden <= 0) return found;
  const rest = { path: "", message: `${hidden} more ${what}${hidden === 1 ? "" : "s"} not shown` };
  return [...found.slice(0, PROBLEMS_SHOWN), rest];
}

/** All problems in one line: `egress[3].target: is blank; egress[4].action: must be a string`. */
export function renderProblems(problems: readonly Problem[]): string {
  return problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
}

/**
 * Input within a message: in double quotes and shortened. Line breaks, controls and invisible characters are
 * escaped.
 */
export function quote(text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return `"${oneLine(shown).replaceAll('"', '\\"')}"`;
}

/**
 * The text, with everything escaped that could break or disguise a line: controls, separators except the
 * blank, direction marks, lone surrogates.
 */
export function oneLine(text: string): string {
  return text.replaceAll(
    /(?! )[\p{C}\p{Z}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
