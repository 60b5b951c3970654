/** Figures against aims. */
import type { Aim, Row, RowResult } from "../experiment.ts";
import type { Column } from "../subjects/subject.ts";

export interface Judged {
  /** As in `ours dns / dnsmasq`. */
  readonly what: string;
  /** As in `1.62`. */
  readonly figure: number;
  /** As in `>= 1.4`. */
  readonly aim: string;
  readonly isReached: boolean;
}

/** The row's aims, those left out whose figures are not there. */
export function judgeAims(row: Row, results: readonly RowResult[]): readonly Judged[] {
  return (row.aims ?? []).flatMap((aim) => {
    const judged = judge(aim, row.id, results);
    return judged === undefined || Number.isNaN(judged.figure) ? [] : [judged];
  });
}

function judge(aim: Aim, id: string, results: readonly RowResult[]): Judged | undefined {
  const value = (column: Column, row = id): number => find(results, row, column);
  const own = value(aim.of);
  switch (aim.kind) {
    case "ratio": {
      const figure = own / value(aim.to, aim.toRow);
      const other = aim.toRow === undefined ? aim.to : `${aim.to} at ${aim.toRow}`;
      return {
        what: `${aim.of} / ${other}`,
        figure,
        aim: `>= ${aim.atLeast}`,
        isReached: figure >= aim.atLeast,
      };
    }
    case "added": {
      const direct = value("direct");
      const figure = (own - direct) / (value(aim.to) - direct);
      return {
        what: `added by ${aim.of} / ${aim.to}`,
        figure,
        aim: `<= ${aim.atMost}`,
        isReached: figure <= aim.atMost,
      };
    }
    case "at most":
      return { what: aim.of, figure: own, aim: `<= ${aim.limit}`, isReached: own <= aim.limit };
  }
}

function find(results: readonly RowResult[], id: string, column: Column): number {
  const cells = results.find(({ row }) => row.id === id)?.cells;
  return cells?.find((cell) => cell.column === column)?.value ?? Number.NaN;
}
