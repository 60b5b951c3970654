import type { RowResult } from "../experiment.ts";
export function drawChart(_results: readonly RowResult[], _run: readonly string[]): string {
  return "";
}
