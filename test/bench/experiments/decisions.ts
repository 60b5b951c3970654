/**
 * What telling of decisions costs the lookups that they are about: without anybody who asks, and with readers
 * of `GET /events`.
 */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { requireCommand, type RunningCommand, startCommand } from "../../../src/netns/command.ts";
import type { Bench } from "../bench.ts";
import type { Experiment, Measurement } from "../experiment.ts";
import type { ClientReport } from "../load/client-protocol.ts";
import { readersReport, READING, type ReadersReport } from "../load/readers-protocol.ts";
import { runClient } from "../load/measure.ts";
import { readProcessorMs } from "../process-facts.ts";
import { type Ours, startOurs } from "../subjects/sidecar.ts";
import { allowedSample, findFault } from "./lookup-arms.ts";

const TELLING = fileURLToPath(new URL("../load/telling.ts", import.meta.url));
const READERS = fileURLToPath(new URL("../load/event-readers.ts", import.meta.url));
const TELLING_LIMIT_MS = 120_000;

export const decided: Experiment = {
  name: "decided",
  rows: [
    { id: "decided", title: "to tell of a lookup, nobody asking: log, ring, counts, names seen", unit: "ns" },
    { id: "decided-log", title: "the same, the log alone", unit: "ns" },
  ],
  async prepare() {
    return [
      {
        column: "ours dns",
        run: async () => [
          { row: "decided", value: await tell("all") },
          { row: "decided-log", value: await tell("log") },
        ],
      },
    ];
  },
};

async function tell(what: "all" | "log"): Promise<number> {
  return Number(await requireCommand([process.execPath, TELLING, what], { timeoutMs: TELLING_LIMIT_MS }));
}

const LOOKUPS_PER_SECOND = 20_000;
const NAMES = 1000;
/** Half of what one door takes. */
const READER_COUNT = 32;

export const events: Experiment = {
  name: "events",
  warmsUp: true,
  rows: [
    ...["events-0", `events-${READER_COUNT}`].flatMap((id, index) => {
      const readers = index === 0 ? "nobody reads" : `${READER_COUNT} readers of /events`;
      return [
        { id, title: `20,000 cached lookups a second, ${readers}: answered`, unit: "lookups/s" as const },
        { id: `${id}-p99`, title: "the same: p99", unit: "ms" as const },
        { id: `${id}-processor`, title: "the same: processor time of the server", unit: "%" as const },
      ];
    }),
    { id: "events-told", title: "decisions told to each of them, the least", unit: "calls/s" },
  ],
  async prepare(bench, made) {
    const ours = made.use(await startOurs(bench, { mode: "dns" }));
    const names = allowedSample(bench, NAMES);
    return [
      {
        column: "ours dns",
        run: async () => [
          ...(await measureLookups(bench, ours, { names, row: "events-0" })),
          ...(await measureReaders(bench, ours, names)),
        ],
      },
    ];
  },
};

type Sample = ReturnType<typeof allowedSample>;

async function measureLookups(
  bench: Bench,
  ours: Ours,
  { names, row }: { readonly names: Sample; readonly row: string },
): Promise<readonly Measurement[]> {
  const before = await readProcessorMs(ours.pid);
  const pace = { perSecond: LOOKUPS_PER_SECOND };
  const report = await runClient(ours, { ...names, seconds: bench.seconds, pace });
  const spentMs = (await readProcessorMs(ours.pid)) - before;
  return [
    { row, value: report.perSecond, fault: findLosses(report) },
    { row: `${row}-p99`, value: report.p99Us / 1000 },
    { row: `${row}-processor`, value: spentMs / (bench.seconds * 10) },
  ];
}

/** A client that is late itself still shows whether lookups are lost. */
function findLosses(report: ClientReport): string | undefined {
  return findFault({ ...report, lateUs: 0 });
}

async function measureReaders(bench: Bench, ours: Ours, names: Sample): Promise<readonly Measurement[]> {
  const { socketPath, token } = ours.sidecar;
  const task = JSON.stringify({ socketPath, token, readers: READER_COUNT });
  const readers = startCommand([process.execPath, READERS, task]);
  const lines: string[] = [];
  readers.stdout.setEncoding("utf8").on("data", (text: string) => lines.push(text));
  while (lines.join("") !== READING) await Promise.race([once(readers.stdout, "data"), endedEarly(readers)]);
  const measured = await measureLookups(bench, ours, { names, row: `events-${READER_COUNT}` });
  readers.stdin.end();
  await readers.end;
  const report = readersReport.parse(JSON.parse(lines.join("").slice(READING.length)));
  return [...measured, { row: "events-told", value: leastTold(report) / bench.seconds }];
}

async function endedEarly({ end }: RunningCommand): Promise<never> {
  const { exitCode } = await end;
  throw new Error(`the readers ended early, with ${exitCode}`);
}

function leastTold({ readers }: ReadersReport): number {
  return Math.min(...readers.map(({ decisions }) => decisions));
}
