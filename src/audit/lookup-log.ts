/**
 * What lookups write into the log: a line each, of fixed cost, as long as their budget lasts; then one for
 * each name.
 */
import type { DecisionEvent, Outcome } from "../decisions/decision-event.ts";
import type { CommonFields } from "./common-fields.ts";
import { createLineBudget, type LineBudgetOptions } from "./line-budget.ts";
import type { LineSink } from "./line-sink.ts";
import { createLookupLines, type Upstream } from "./lookup-lines.ts";

/** Lines of one kind take none from another. */
export type LineKind = "denied" | "withheld" | "audited" | "allowed" | "failed";

export interface LookupLog {
  /** `kind`: what its line counts for. */
  write(kind: LineKind, event: DecisionEvent): void;
  setUpstreams(upstreams: readonly Upstream[]): void;
  /** Writes what is counted, now. */
  flush(): void;
}

export interface LookupLogOptions {
  readonly sinks: readonly LineSink[];
  /** The fields that every line has. */
  readonly common: CommonFields["read"];
  /** Of each kind. 0 is no bound. */
  readonly linesPerSecond: number;
  readonly report: (kind: LineKind, ...counted: Parameters<LineBudgetOptions["report"]>) => void;
}

const KIND_OF: Readonly<Record<Outcome, LineKind>> = {
  denied: "denied",
  withheld: "withheld",
  allowed: "allowed",
  nxdomain: "allowed",
  nodata: "allowed",
  failed: "failed",
  audited: "audited",
};

export function lineKindOf(decision: Outcome): LineKind {
  return KIND_OF[decision];
}

export function createLookupLog({
  sinks,
  common,
  linesPerSecond: perSecond,
  report,
}: LookupLogOptions): LookupLog {
  const lines = createLookupLines(common);
  const budgetOf = (kind: LineKind) =>
    createLineBudget({ perSecond, report: (host, count) => report(kind, host, count) });
  const budgets = {
    denied: budgetOf("denied"),
    withheld: budgetOf("withheld"),
    audited: budgetOf("audited"),
    allowed: budgetOf("allowed"),
    failed: budgetOf("failed"),
  };
  return {
    write(kind, event) {
      const host = event.name ?? "";
      if (!budgets[kind].admits(host)) return;
      const line = lines.encode(event);
      for (const sink of sinks) {
        if (kind === "denied") sink.kept(line, host);
        else if (kind === "withheld") sink.kept(line, undefined);
        else sink.ordinary(line);
      }
    },
    setUpstreams: lines.setUpstreams,
    flush() {
      for (const budget of Object.values(budgets)) budget.flush();
    },
  };
}
