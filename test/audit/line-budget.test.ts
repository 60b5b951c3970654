import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLineBudget } from "../../src/audit/line-budget.ts";

/** A budget on a clock that is set by hand, and all that it has reported. */
function createBudget(perSecond: number) {
  let nowMs = 0;
  const due: { readonly at: number; readonly run: () => void }[] = [];
  const reports: { readonly host: string | undefined; readonly count: number }[] = [];
  const budget = createLineBudget({
    perSecond,
    report: (host, count) => reports.push({ host, count }),
    clock: { now: () => nowMs, schedule: (delayMs, run) => due.push({ at: nowMs + delayMs, run }) },
  });
  function pass(ms: number): void {
    const untilMs = nowMs + ms;
    for (let next = due[0]; next !== undefined && next.at <= untilMs; next = due[0]) {
      nowMs = next.at;
      due.shift();
      next.run();
    }
    nowMs = untilMs;
  }
  /** How many of the lookups get a line of their own. */
  function ask(count: number, hostOf: (n: number) => string): number {
    return Array.from({ length: count }, (_, n) => budget.admits(hostOf(n))).filter(Boolean).length;
  }
  return { budget, reports, pass, ask };
}

const numbered = (n: number): string => `n${n}.example.com`;

describe("the budget of lookups' lines", () => {
  test("gives a burst its lines, and then one to each name that was looked up, a second later", () => {
    const { reports, pass, ask } = createBudget(10);
    expect(ask(2000, numbered)).toBe(2000);
    expect(ask(30, (n) => `m${n % 3}.example.com`)).toBe(0);
    pass(999);
    expect(reports).toEqual([]);
    pass(1);
    expect(reports).toEqual([0, 1, 2].map((n) => ({ host: `m${n}.example.com`, count: 10 })));
  });

  test("counts together what there are no lines for", () => {
    const { reports, pass, ask } = createBudget(2);
    ask(400, numbered);
    ask(50, numbered);
    pass(1000);
    expect(reports).toEqual([
      { host: numbered(0), count: 1 },
      { host: numbered(1), count: 1 },
      { host: undefined, count: 48 },
    ]);
  });

  test("earns lines again in a calm time, a burst of them at most", () => {
    const { pass, ask } = createBudget(10);
    ask(2000, numbered);
    pass(5000);
    expect(ask(100, numbered)).toBe(50);
    pass(3_600_000);
    expect(ask(5000, numbered)).toBe(2000);
  });

  test("has no bound at 0", () => {
    expect(createBudget(0).ask(100_000, numbered)).toBe(100_000);
  });

  test("reports what is counted when asked to, once", () => {
    const { budget, reports, pass, ask } = createBudget(1);
    ask(203, () => "x.example.com");
    budget.flush();
    budget.flush();
    pass(5000);
    expect(reports).toEqual([{ host: "x.example.com", count: 3 }]);
  });

  test("accounts for every lookup by its name or as one of the others, in a bounded number of lines", () => {
    const second = fc.record({
      lookups: fc.integer({ min: 0, max: 700 }),
      names: fc.integer({ min: 1, max: 50 }),
      pauseMs: fc.integer({ min: 0, max: 3000 }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(second, { maxLength: 30 }),
        (perSecond, seconds) => {
          const { budget, reports, pass, ask } = createBudget(perSecond);
          let own = 0;
          let asked = 0;
          let passedMs = 0;
          for (const { lookups, names, pauseMs } of seconds) {
            own += ask(lookups, (n) => numbered(n % names));
            asked += lookups;
            pass(pauseMs);
            passedMs += pauseMs;
          }
          budget.flush();
          const counted = reports.reduce((sum, { count }) => sum + count, 0);
          expect(own + counted).toBe(asked);
          const named = reports.filter(({ host }) => host !== undefined).length;
          const earned = (passedMs / 1000 + 200) * perSecond;
          // The last count is written at the end, before its second is over.
          expect(own + named).toBeLessThanOrEqual(earned + perSecond);
          expect(reports.length - named).toBeLessThanOrEqual(passedMs / 1000 + 1);
        },
      ),
    );
  });
});
