/** What is answered without asking anybody: from the cache, and refusals. */
import { join } from "node:path";
import type { Bench } from "../bench.ts";
import type { Arm, Experiment } from "../experiment.ts";
import { writeNames } from "../load/dnsperf.ts";
import { ALLOWED_ZONE, DENIED_ZONE } from "../load/numbered-names.ts";
import { startDnsmasq, startUnbound } from "../subjects/peers.ts";
import { startOurs } from "../subjects/sidecar.ts";
import type { Subject } from "../subjects/subject.ts";
import { measureRate } from "./lookup-arms.ts";

/** So many names are asked again and again; they fit every cache here. */
const NAMES = 1000;
const IN_FLIGHT = 50;

export const cached: Experiment = {
  name: "cached",
  warmsUp: true,
  rows: [
    {
      id: "cached",
      title: "1,000 names from the cache, 50 in flight",
      unit: "lookups/s",
      aims: [
        { kind: "ratio", of: "ours dns", to: "unbound", atLeast: 1 },
        { kind: "ratio", of: "ours dns+nft", to: "unbound", atLeast: 1 },
      ],
    },
    { id: "cached-processor", title: "the same: processor time of the server for each", unit: "us" },
  ],
  prepare: async (bench, made) =>
    prepareRepeated(bench, "cached", "address", await startCaching(bench, made)),
};

export const cachedApart: Experiment = {
  name: "cached-apart",
  warmsUp: true,
  rows: [
    {
      id: "cached-apart",
      title: "1,000 names from the cache, each of 50 in flight from a socket of its own",
      unit: "lookups/s",
    },
    { id: "cached-apart-processor", title: "the same: processor time of the server for each", unit: "us" },
  ],
  prepare: async (bench, made) =>
    prepareRepeated(bench, "cached-apart", "address", await startCaching(bench, made), IN_FLIGHT),
};

export const refused: Experiment = {
  name: "refused",
  warmsUp: true,
  rows: [
    {
      id: "refused",
      title: "refused by policy, 50 in flight; counted in the log past 500 a second",
      unit: "lookups/s",
      original: 105_000,
      aims: [{ kind: "ratio", of: "ours dns+nft", to: "unbound", toRow: "cached", atLeast: 1 }],
    },
    { id: "refused-processor", title: "the same: processor time of the server for each", unit: "us" },
    {
      id: "refused-logged",
      title: "refused by policy, 50 in flight; each a line of the log",
      unit: "lookups/s",
      aims: [{ kind: "ratio", of: "ours dns+nft", to: "unbound", toRow: "cached", atLeast: 1 }],
    },
  ],
  async prepare(bench, made) {
    const counting = [
      made.use(await startDnsmasq(bench, {})),
      made.use(await startUnbound(bench)),
      made.use(await startOurs(bench, { linesPerSecond: "500" })),
    ];
    const logging = [made.use(await startOurs(bench))];
    return [
      ...(await prepareRepeated(bench, "refused", "nxdomain", counting)),
      ...(await prepareRepeated(bench, "refused-logged", "nxdomain", logging)),
    ];
  },
};

async function startCaching(bench: Bench, made: AsyncDisposableStack): Promise<readonly Subject[]> {
  return [
    made.use(await startDnsmasq(bench, { cache: 10_000 })),
    made.use(await startUnbound(bench)),
    made.use(await startOurs(bench, { mode: "dns" })),
    made.use(await startOurs(bench)),
  ];
}

async function prepareRepeated(
  bench: Bench,
  row: string,
  expect: "address" | "nxdomain",
  subjects: readonly Subject[],
  sockets = 1,
): Promise<readonly Arm[]> {
  const zone = expect === "address" ? ALLOWED_ZONE : DENIED_ZONE;
  const first = bench.takeNumbers(NAMES);
  const file = join(bench.folder, `${row}.names`);
  await writeNames(file, first, NAMES, zone);
  const task = { file, seconds: bench.seconds, inFlight: IN_FLIGHT, sockets };
  return subjects.map((subject) => ({
    column: subject.column,
    run: () => measureRate(row, subject, task, { zone, expect, first, names: NAMES }),
  }));
}
