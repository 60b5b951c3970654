/** A YAML or JSON text with the line of each of its values. */
import { type Document, isMap, isScalar, LineCounter, parseDocument, visit } from "yaml";
import { oneLine, type Problem, quote } from "../../../policy/problem.ts";

/** `[3]` and `.name` of a path in it. */
export type Key = PropertyKey;

export interface Located {
  readonly value: unknown;
  /** Of the value at the path, or of the nearest around it that is there. */
  lineOf(path: readonly Key[]): number;
  /** Of a key of the object at the path. */
  lineOfKey(path: readonly Key[], key: string): number;
}

/**
 * Either the value, or what is wrong, `path` being the line's number. Of JSON everything is valid YAML that
 * can stand in a policy.
 */
export function readLocated(text: string): Located | readonly Problem[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: "error", prettyErrors: true });
  const problems = findProblems(document, lines);
  if (problems.length > 0) return problems;
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  const lineAt = (offset: number | undefined): number =>
    offset === undefined ? 1 : lines.linePos(offset).line;
  return {
    value,
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const node: unknown = document.getIn(path.slice(0, length), true);
        if (hasRange(node)) return lineAt(node.range[0]);
      }
      return lineAt(document.contents?.range?.[0]);
    },
    lineOfKey(path, key) {
      const node: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
      const pair = isMap(node)
        ? node.items.find((one) => isScalar(one.key) && one.key.value === key)
        : undefined;
      return lineAt(isScalar(pair?.key) ? pair.key.range?.[0] : undefined);
    },
  };
}

/** What cannot be read; and aliases, which in a policy are wildcards that somebody forgot to quote. */
function findProblems(document: Document.Parsed, lines: LineCounter): readonly Problem[] {
  const problems = [...document.errors, ...document.warnings].map(({ message, linePos }) => ({
    path: String(linePos?.[0].line ?? 1),
    message: oneLine((message.split("\n", 1)[0] ?? "").replace(/ at line \d+, column \d+:?$/, "")),
  }));
  visit(document, {
    Alias(_key, { source, range }) {
      const written = `*${source}`;
      problems.push({
        path: String(range === undefined || range === null ? 1 : lines.linePos(range[0]).line),
        message: `${written} without quotes means something else in YAML: write ${quote(written)}`,
      });
    },
  });
  return problems.slice(0, 1);
}

function hasRange(node: unknown): node is { readonly range: readonly [number, number, number] } {
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);
}
