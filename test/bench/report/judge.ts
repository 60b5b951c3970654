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
  const judged = (row.aims ?? []).map((aim) => judge(aim, row.id, results));
  return judged.filter(({ figure }) => !Number.isNaN(figure));
}

function judge(aim: Aim, id: string, results: readonly RowResult[]): Judged {
  const value = (column: Column, row = id): number => find(results, row, column);
  const own = value(aim.of);
  if (aim.kind === "at most") {
    return { what: aim.of, figure: own, aim: `<= ${aim.limit}`, isReached: own <= aim.limit };
  }
  if (aim.kind === "at least") {
    return { what: aim.of, figure: own, aim: `>= ${aim.limit}`, isReached: own >= aim.limit };
  }
  if (aim.kind === "more") {
    const figure = own - value(aim.to);
    return {
      what: `${aim.of} - ${aim.to}`,
      figure,
      aim: `<= ${aim.atMost}`,
      isReached: figure <= aim.atMost,
    };
  }
  if (aim.kind === "added") {
    const direct = value("direct");
    const figure = (own - direct) / (value(aim.to) - direct);
    const what = `added by ${aim.of} / ${aim.to}`;
    return { what, figure, aim: `<= ${aim.atMost}`, isReached: figure <= aim.atMost };
  }
  const figure = own / value(aim.to, aim.toRow);
  const what = `${aim.of} / ${aim.to}${aim.toRow === undefined ? "" : ` at ${aim.toRow}`}`;
  return { what, figure, aim: `>= ${aim.atLeast}`, isReached: figure >= aim.atLeast };
}

function find(results: readonly RowResult[], id: string, column: Column): number {
  const cells = results.find(({ row }) => row.id === id)?.cells;
  return cells?.find((cell) => cell.column === column)?.value ?? Number.NaN;
}
