/** The table for the terminal. */
import type { Cell, RowResult, Unit } from "../experiment.ts";
import { COLUMNS, type Column } from "../subjects/subject.ts";
import { judgeAims } from "./judge.ts";

const ORIGINAL = "(original)";

/** One line a row, below it its aims and faults. */
export function renderTable(results: readonly RowResult[]): string {
  const columns = COLUMNS.filter((column) =>
    results.some(({ cells }) => cells.some((cell) => cell.column === column)),
  );
  const head = ["", "unit", ...columns, ORIGINAL];
  const lines = results.map((result) => [
    result.row.title,
    result.row.unit,
    ...columns.map((column) => renderCell(result, column)),
    result.row.original === undefined ? "" : formatFigure(result.row.original, result.row.unit),
  ]);
  const widths = head.map((_, i) => Math.max(...[head, ...lines].map((line) => line[i]?.length ?? 0)));
  const pad = (line: readonly string[]): string =>
    line.map((text, i) => (i < 2 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))).join("  ");
  return [
    pad(head),
    ...results.flatMap((result, i) => [pad(lines[i] ?? []), ...remarks(result, results)]),
    "",
    `${ORIGINAL}: the Go program's figure as measured earlier on like hardware; not part of this run`,
    "* with losses, wrong answers or other faults, listed below the row",
  ].join("\n");
}

function renderCell({ cells, row }: RowResult, column: Column): string {
  const cell = cells.find((one) => one.column === column);
  if (cell === undefined) return "";
  return formatFigure(cell.value, row.unit) + (cell.faults.length > 0 ? "*" : "");
}

function remarks(result: RowResult, results: readonly RowResult[]): readonly string[] {
  return [
    ...judgeAims(result.row, results).map(
      ({ what, figure, aim, isReached }) =>
        `    ${isReached ? "reached" : "MISSED "}  ${what}: ${figure.toPrecision(3)} (aim ${aim})`,
    ),
    ...result.cells.filter(hasFaults).map(({ column, faults }) => `    * ${column}: ${faults.join("; ")}`),
    ...(result.failure === undefined ? [] : [`    failed: ${result.failure}`]),
  ];
}

const hasFaults = ({ faults }: Cell): boolean => faults.length > 0;

/** Three digits or so: figures of a bench have no more. */
export function formatFigure(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return "-";
  if (unit.endsWith("s/s")) {
    return value >= 10_000 ? `${Math.round(value / 1000)}k` : String(Math.round(value));
  }
  return value >= 100 ? String(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2);
}
