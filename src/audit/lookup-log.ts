/** What lookups write into the log: a line each, of fixed cost, as long as their budget lasts; then one for each name. */
import type { AllowedLookup, DeniedLookup } from "./audit-log.ts";
import { createLineBudget, type LineBudgetOptions } from "./line-budget.ts";
import type { LineSink } from "./line-sink.ts";
import { createLookupLines } from "./lookup-lines.ts";

export interface LookupLog {
  denied(lookup: DeniedLookup): void;
  allowed(lookup: AllowedLookup): void;
  /** Writes what is counted, now. */
  flush(): void;
}

export interface LookupLogOptions {
  readonly sinks: readonly LineSink[];
  /** The fields that every line has. */
  readonly common: Readonly<Record<string, string>>;
  /** Of denied and of allowed lookups, each, so that none takes lines from the other. 0 is no bound. */
  readonly linesPerSecond: number;
  readonly reportDenied: LineBudgetOptions["report"];
  readonly reportAllowed: LineBudgetOptions["report"];
}

export function createLookupLog({
  sinks,
  common,
  linesPerSecond: perSecond,
  reportDenied,
  reportAllowed,
}: LookupLogOptions): LookupLog {
  const lines = createLookupLines(common);
  const forDenied = createLineBudget({ perSecond, report: reportDenied });
  const forAllowed = createLineBudget({ perSecond, report: reportAllowed });
  return {
    denied(lookup) {
      if (!forDenied.admits(lookup.host)) return;
      const line = lines.denied(lookup);
      for (const sink of sinks) sink.kept(line, lookup.host);
    },
    allowed(lookup) {
      if (!forAllowed.admits(lookup.host)) return;
      const line = lines.allowed(lookup);
      for (const sink of sinks) sink.ordinary(line);
    },
    flush() {
      forDenied.flush();
      forAllowed.flush();
    },
  };
}
