import { oneLine } from "../policy/problem.ts";

/** A row of a table for people. */
export type Cells = readonly string[];

/** Columns as wide as their widest cell. What came from elsewhere is shown as one line, controls escaped. */
export function align(rows: readonly Cells[]): readonly string[] {
  const clean = rows.map((cells) => cells.map(oneLine));
  const widths = (clean[0] ?? []).map((_cell, column) =>
    Math.max(...clean.map((row) => row[column]?.length ?? 0)),
  );
  return clean.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
