/** One client floods with names that are refused, while another asks 1,000 new allowed names a second. */
import type { Bench } from "../bench.ts";
import type { Experiment, Measurement } from "../experiment.ts";
import { runDnsperf } from "../load/dnsperf.ts";
import { runClient } from "../load/measure.ts";
import { DENIED_ZONE } from "../load/numbered-names.ts";
import { startDnsmasq, startUnbound } from "../subjects/peers.ts";
import { startOurs } from "../subjects/sidecar.ts";
import type { Subject } from "../subjects/subject.ts";
import { allowedSample, createNameFiles, findFault, type NameFile } from "./lookup-arms.ts";

const FLOOD_PER_SECOND = 50_000;
/**
 * How much longer than the client the flood lasts, so that the client has it from its first query to its
 * last.
 */
const MARGIN_SECONDS = 0.6;

export const flood: Experiment = {
  name: "flood",
  warmsUp: true,
  rows: [
    { id: "flood-rate", title: "flood of names to refuse, 50,000 a second offered", unit: "lookups/s" },
    { id: "flood-p50", title: "another client's new names under it, 1,000 a second: p50", unit: "ms" },
    {
      id: "flood-p99",
      title: "another client's new names under it, 1,000 a second: p99",
      unit: "ms",
      aims: [{ kind: "at most", of: "ours dns+nft", limit: 5 }],
    },
  ],
  async prepare(bench, made) {
    const seconds = bench.seconds + MARGIN_SECONDS;
    const nameFile = createNameFiles(bench, DENIED_ZONE, Math.ceil(seconds * FLOOD_PER_SECOND));
    const subjects: readonly Subject[] = [
      made.use(await startDnsmasq(bench, {})),
      made.use(await startUnbound(bench)),
      made.use(await startOurs(bench)),
    ];
    return subjects.map((subject) => ({
      column: subject.column,
      run: async (round) => measureFlood(bench, subject, await nameFile(round)),
    }));
  },
};

async function measureFlood(
  bench: Bench,
  subject: Subject,
  { file }: NameFile,
): Promise<readonly Measurement[]> {
  const seconds = bench.seconds + MARGIN_SECONDS;
  const [load, report] = await Promise.all([
    runDnsperf(subject, { file, seconds, inFlight: 500, perSecond: FLOOD_PER_SECOND }),
    runClient(subject, {
      ...allowedSample(bench, 1 << 16),
      seconds: bench.seconds,
      pace: { perSecond: 1000 },
    }),
  ]);
  return [
    { row: "flood-rate", value: load.perSecond, ...(load.lost === 0 ? {} : { fault: `${load.lost} lost` }) },
    { row: "flood-p50", value: report.p50Us / 1000 },
    { row: "flood-p99", value: report.p99Us / 1000, fault: findFault(report) },
  ];
}
