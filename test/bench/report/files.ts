/** The figures as files. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { RowResult } from "../experiment.ts";
import { judgeAims } from "./judge.ts";

export function renderJson(run: readonly string[], results: readonly RowResult[]): string {
  const rows = results.map(({ row, cells, failure }) => ({
    id: row.id,
    title: row.title,
    unit: row.unit,
    measured: cells,
    measuredEarlierOnLikeHardware: row.original === undefined ? undefined : { original: row.original },
    ratios: judgeAims(row, results),
    failure,
  }));
  return `${JSON.stringify({ run, rows }, undefined, 2)}\n`;
}

export async function writeReport(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
