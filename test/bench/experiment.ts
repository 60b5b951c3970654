/**
 * What is measured and how it is judged. An experiment starts its servers side by side; its arms, one a
 * server, are run in turn, A B A B, as many rounds as asked for, so that a machine that gets slower or faster
 * meanwhile favours none. A row's figure is the median of its rounds.
 */
import type { Bench } from "./bench.ts";
import { median } from "./statistics.ts";
import type { Column } from "./subjects/subject.ts";

export type Unit =
  | "lookups/s"
  | "ns"
  | "us"
  | "ms"
  | "MiB"
  | "KiB"
  | "%"
  | "calls/s"
  | "connections/s"
  | "requests/s"
  | "MB/s"
  | "processes"
  | "MiB/s"
  | "names/s"
  | "connections";

/** What a row has to reach. `toRow` and `of` name another row or column where it is not this one. */
export type Aim =
  | {
      readonly kind: "ratio";
      readonly of: Column;
      readonly to: Column;
      readonly toRow?: string;
      readonly atLeast: number;
    }
  | { readonly kind: "at most"; readonly of: Column; readonly limit: number }
  | { readonly kind: "at least"; readonly of: Column; readonly limit: number }
  /** What `of` adds over asking directly, as a share of what `to` adds. */
  | { readonly kind: "added"; readonly of: Column; readonly to: Column; readonly atMost: number }
  /** How much `of` is above `to`, in the row's unit. */
  | { readonly kind: "more"; readonly of: Column; readonly to: Column; readonly atMost: number };

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  readonly aims?: readonly Aim[];
  /** The Go original's figure, measured earlier on like hardware. */
  readonly original?: number;
}

export interface Measurement {
  readonly row: string;
  readonly value: number;
  /** What was not as it should be: losses, wrong answers. */
  readonly fault?: string | undefined;
}

export interface Arm {
  readonly column: Column;
  /** One run; `round` counts from 0, and is -1 for the run that only warms up. */
  run(round: number): Promise<readonly Measurement[]>;
}

export interface Experiment {
  readonly name: string;
  readonly rows: readonly Row[];
  /** Rounds, where the asked for number makes no sense. */
  readonly rounds?: number;
  /** A first run that does not count: code gets compiled, caches filled. */
  readonly warmsUp?: boolean;
  /** Only run when asked for. */
  readonly isAsked?: (bench: Bench) => boolean;
  /** Starts what is measured; it ends with `made`. */
  prepare(bench: Bench, made: AsyncDisposableStack): Promise<readonly Arm[]>;
}

export interface Cell {
  readonly column: Column;
  /** Median of the runs. */
  readonly value: number;
  readonly runs: readonly number[];
  readonly faults: readonly string[];
}

export interface RowResult {
  readonly row: Row;
  readonly cells: readonly Cell[];
  /** Why there are no figures. */
  readonly failure?: string;
}

export async function runExperiment(experiment: Experiment, bench: Bench): Promise<readonly RowResult[]> {
  await using made = new AsyncDisposableStack();
  const arms = await experiment.prepare(bench, made);
  if (experiment.warmsUp === true) for (const arm of arms) await arm.run(-1);
  const taken: (Measurement & { column: Column })[] = [];
  for (let round = 0; round < (experiment.rounds ?? bench.rounds); round++) {
    for (const { column, run } of arms) {
      for (const measurement of await run(round)) taken.push({ column, ...measurement });
    }
  }
  return experiment.rows.map((row) => {
    const ofRow = taken.filter((measurement) => measurement.row === row.id);
    const columns = [...new Set(ofRow.map(({ column }) => column))];
    return {
      row,
      cells: columns.map((column) =>
        sumUp(
          column,
          ofRow.filter((one) => one.column === column),
        ),
      ),
    };
  });
}

function sumUp(column: Column, measurements: readonly Measurement[]): Cell {
  const runs = measurements.map(({ value }) => value);
  const faults = measurements.flatMap(({ fault }) => (fault === undefined ? [] : [fault]));
  return { column, value: median(runs), runs, faults: [...new Set(faults)] };
}
