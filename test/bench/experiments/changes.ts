/**
 * Policy changes through the HTTP API, and what lookups feel of them. The sidecar may use all processors
 * here: a change runs nft beside it.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bench } from "../bench.ts";
import type { Arm, Experiment, Measurement, Row, Unit } from "../experiment.ts";
import { runClient } from "../load/measure.ts";
import { readTurns, withTurnMeter } from "../load/turns.ts";
import { readProcessorMs } from "../process-facts.ts";
import { type Ours, startOurs } from "../subjects/sidecar.ts";
import { percentile } from "../statistics.ts";
import { createApiClient } from "../load/api-client.ts";
import { allowedSample, deniedSample, findFault } from "./lookup-arms.ts";
import { manyRules, type RuleKind } from "./many-rules.ts";

const RULES = 4096;
const PAUSE_MS = 5;

/** A policy whose rules are changed one at a time; its rows' names begin with `patch-` and the id. */
interface Size {
  readonly id: string;
  readonly kind: RuleKind;
  readonly count: number;
  readonly title: string;
  readonly limitsMs: readonly [p50: number, p99: number] | undefined;
  readonly original?: number;
}

const AIMED = [3, 10] as const;
const SIZES: readonly Size[] = [
  { id: "names", kind: "names", count: RULES, title: "4,096 names", limitsMs: AIMED, original: 25 },
  {
    id: "addresses",
    kind: "addresses",
    count: RULES,
    title: "4,096 addresses",
    limitsMs: AIMED,
    original: 88,
  },
  { id: "mixed", kind: "mixed", count: RULES, title: "4,096 rules of both kinds", limitsMs: AIMED },
  { id: "100000", kind: "mixed", count: 100_000, title: "100,000 rules of both kinds", limitsMs: undefined },
];

export const patch: Experiment = {
  name: "patch",
  warmsUp: true,
  rows: SIZES.flatMap(({ id, title, limitsMs, original }) => {
    const row = (name: string, unit: Unit, limit: number | undefined): Row => ({
      id: `patch-${id}-${name}`,
      title: `PATCH of one rule at ${title}: ${name}`,
      unit,
      ...(limit === undefined ? {} : { aims: [{ kind: "at most", of: "ours dns+nft", limit }] }),
    });
    const p50 = row("p50", "ms", limitsMs?.[0]);
    return [
      original === undefined ? p50 : { ...p50, original },
      row("p99", "ms", limitsMs?.[1]),
      row("processor time", "ms", undefined),
    ];
  }),
  async prepare(bench, made) {
    const arms: Arm[] = [];
    for (const size of SIZES) {
      const rules = manyRules(size.kind, size.count);
      const ours = made.use(await startOurs(bench, { rules, isFree: true }));
      arms.push({ column: ours.column, run: () => measureChanges(bench, ours, size) });
    }
    return arms;
  },
};

/** What lookups are asked during a run of `stall`, and whether changes run. */
const STALLS = [
  { id: "stall-none", title: "refused, 1,000 a second, no changes", isFresh: false, changes: false },
  { id: "stall-refused", title: "the same while changes run at 4,096 rules", isFresh: false, changes: true },
  { id: "stall-new", title: "every name and address new while changes run", isFresh: true, changes: true },
] as const;
const LIMIT_MS = 2;

export const stall: Experiment = {
  name: "stall",
  warmsUp: true,
  rows: STALLS.flatMap(({ id, title, changes }) => {
    const row = (part: string, what: string, isAim: boolean): Row => ({
      id: `${id}${part}`,
      title: `${title}: ${what}`,
      unit: "ms",
      ...(isAim ? { aims: [{ kind: "at most", of: "ours dns+nft", limit: LIMIT_MS }] } : {}),
    });
    return [
      row("", "longest lookup", id === "stall-refused"),
      ...(changes ? [row("-p99", "p99 of lookups", false)] : []),
      row("-turn", "longest turn of the event loop, by the clock", false),
      row("-work", "longest turn, by processor time of its thread", changes),
    ];
  }),
  async prepare(bench, made) {
    const turnsFile = join(bench.folder, "turns.json");
    const options = { rules: manyRules("mixed", RULES), isFree: true, logLevel: "error" } as const;
    const program = withTurnMeter(bench.program, turnsFile);
    const ours = made.use(await startOurs(bench, { ...options, program }));
    return [{ column: ours.column, run: () => measureStalls(bench, ours, turnsFile) }];
  },
};

async function measureStalls(bench: Bench, ours: Ours, turnsFile: string): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const { id, isFresh, changes } of STALLS) {
    const sample = isFresh ? allowedSample(bench, 1 << 16) : deniedSample(bench);
    const load = (): ReturnType<typeof runClient> =>
      runClient(ours, { ...sample, seconds: bench.seconds, pace: { perSecond: 1000 } });
    await readTurns(ours.pid, turnsFile);
    const lookups = await (changes ? whileChanging(ours, load) : load());
    const { turnMs, workMs } = await readTurns(ours.pid, turnsFile);
    measurements.push(
      { row: id, value: lookups.maxUs / 1000, fault: findFault(lookups) },
      ...(changes ? [{ row: `${id}-p99`, value: lookups.p99Us / 1000 }] : []),
      { row: `${id}-turn`, value: turnMs },
      { row: `${id}-work`, value: workMs },
    );
  }
  return measurements;
}

async function measureChanges(bench: Bench, ours: Ours, { id, kind }: Size): Promise<readonly Measurement[]> {
  const times: number[] = [];
  const faults = new Set<string>();
  using api = createApiClient(ours.sidecar);
  const endsAt = performance.now() + bench.seconds * 1000;
  const usedBefore = await readProcessorMs(ours.pid);
  for (let serial = 0; performance.now() < endsAt; serial++) {
    const { status, durationMs } = await api.patch(changeOf(kind, serial));
    times.push(durationMs);
    if (status !== 200) faults.add(`status ${status}`);
  }
  const used = (await readProcessorMs(ours.pid)) - usedBefore;
  const fault = faults.size === 0 ? undefined : [...faults].join(", ");
  return [
    { row: `patch-${id}-p50`, value: percentile(times, 0.5), fault },
    { row: `patch-${id}-p99`, value: percentile(times, 0.99) },
    { row: `patch-${id}-processor time`, value: used / times.length },
  ];
}

/** One rule of the policy changes sides, to and fro: the number of rules stays. */
function changeOf(kind: RuleKind, serial: number): readonly unknown[] {
  const { target } = manyRules(kind, 8)[kind === "mixed" && serial % 4 < 2 ? 1 : 2] ?? { target: "" };
  return [{ action: serial % 2 === 0 ? "deny" : "allow", target }];
}

/** Changes one after the other, hardly with a pause, while `act` runs. */
async function whileChanging<T>(ours: Ours, act: () => Promise<T>): Promise<T> {
  using api = createApiClient(ours.sidecar);
  const over = new AbortController();
  const changing = (async () => {
    for (let serial = 0; !over.signal.aborted; serial++) {
      await api.patch(changeOf("mixed", serial));
      await sleep(PAUSE_MS);
    }
  })();
  try {
    return await act();
  } finally {
    over.abort();
    await changing;
  }
}
