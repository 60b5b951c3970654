/** Every name new and every answer a new address: nothing to be had from any cache. */
import type { Bench } from "../bench.ts";
import type { Arm, Experiment, Measurement } from "../experiment.ts";
import { runClient } from "../load/measure.ts";
import { startDnsmasq, startUnbound, askDirectly } from "../subjects/peers.ts";
import { startOurs } from "../subjects/sidecar.ts";
import type { Subject } from "../subjects/subject.ts";
import type { ClientTask } from "../load/client-protocol.ts";
import { ALLOWED_ZONE } from "../load/numbered-names.ts";
import { allowedSample, createNameFiles, findFault, forwardingArm, startingArm } from "./lookup-arms.ts";

const BESIDE = "forwarded-50-beside";

export const forwardedAt50: Experiment = {
  name: "forwarded-50",
  warmsUp: true,
  rows: [
    {
      id: "forwarded-50",
      title: "every name and address new, 50 in flight",
      unit: "lookups/s",
      original: 27_000,
      aims: [
        { kind: "ratio", of: "ours dns", to: "dnsmasq", atLeast: 1.4 },
        { kind: "ratio", of: "ours dns+nft", to: "dnsmasq --nftset", atLeast: 5 },
        { kind: "ratio", of: "ours dns+nft", to: "ours dns", atLeast: 0.8 },
      ],
    },
    { id: "forwarded-50-processor", title: "the same: processor time of the server for each", unit: "us" },
    { id: BESIDE, title: "the same beside the idle sidecar of another sandbox", unit: "lookups/s" },
    { id: `${BESIDE}-processor`, title: "the same: processor time of the server for each", unit: "us" },
  ],
  async prepare(bench, made) {
    const nameFile = createNameFiles(bench, ALLOWED_ZONE);
    const load = { row: "forwarded-50", inFlight: 50 };
    const startDns = async (): Promise<Subject> => startOurs(bench, { mode: "dns" });
    return [
      ...(await startPeers(bench, made)).map((peer) => forwardingArm(bench, peer, nameFile, load)),
      startingArm(bench, startDns, nameFile, { ...load, column: "ours dns" }),
      startingArm(bench, async () => startOurs(bench), nameFile, { ...load, column: "ours dns+nft" }),
      startingArm(bench, async () => startBesideIdle(bench), nameFile, {
        ...load,
        row: BESIDE,
        column: "ours dns+nft",
      }),
    ];
  },
};

export const forwardedAt500: Experiment = {
  name: "forwarded-500",
  warmsUp: true,
  rows: [
    {
      id: "forwarded-500",
      title: "every name and address new, 500 in flight",
      unit: "lookups/s",
      aims: [{ kind: "ratio", of: "ours dns", to: "dnsmasq", atLeast: 1 }],
    },
  ],
  async prepare(bench, made) {
    const nameFile = createNameFiles(bench, ALLOWED_ZONE);
    const load = { row: "forwarded-500", inFlight: 500 };
    return (await startAll(bench, made)).map((subject) => forwardingArm(bench, subject, nameFile, load));
  },
};

export const forwardedAt1: Experiment = {
  name: "forwarded-1",
  warmsUp: true,
  rows: [
    {
      id: "forwarded-1-p50",
      title: "every name and address new, 1 in flight: p50",
      unit: "us",
      original: 145,
      aims: [
        { kind: "added", of: "ours dns", to: "dnsmasq", atMost: 0.5 },
        { kind: "added", of: "ours dns+nft", to: "dnsmasq --nftset", atMost: 0.5 },
      ],
    },
    { id: "forwarded-1-p99", title: "every name and address new, 1 in flight: p99", unit: "us" },
  ],
  prepare: (bench, made) => prepareTimes(bench, made, "forwarded-1", { inFlight: 1 }),
};

export const forwardedPaced: Experiment = {
  name: "forwarded-paced",
  warmsUp: true,
  rows: [
    { id: "forwarded-paced-p50", title: "every name and address new, 1,000 a second: p50", unit: "us" },
    {
      id: "forwarded-paced-p99",
      title: "every name and address new, 1,000 a second: p99",
      unit: "us",
      aims: [
        { kind: "at most", of: "ours dns", limit: 1000 },
        { kind: "at most", of: "ours dns+nft", limit: 1000 },
      ],
    },
  ],
  prepare: (bench, made) => prepareTimes(bench, made, "forwarded-paced", { perSecond: 1000 }),
};

async function prepareTimes(
  bench: Bench,
  made: AsyncDisposableStack,
  row: string,
  pace: ClientTask["pace"],
): Promise<readonly Arm[]> {
  const subjects = await startAll(bench, made);
  return subjects.map((subject) => ({
    column: subject.column,
    async run() {
      const measure = async (): Promise<readonly Measurement[]> => {
        const task = { ...allowedSample(bench, 1 << 16), seconds: bench.seconds, pace };
        const report = await runClient(subject, task);
        return [
          { row: `${row}-p50`, value: report.p50Us, fault: findFault(report) },
          { row: `${row}-p99`, value: report.p99Us },
        ];
      };
      return subject.during === undefined ? measure() : subject.during(measure);
    },
  }));
}

async function startPeers(bench: Bench, made: AsyncDisposableStack): Promise<readonly Subject[]> {
  return [
    made.use(await askDirectly(bench)),
    made.use(await startDnsmasq(bench, {})),
    made.use(await startDnsmasq(bench, { nftset: true })),
    made.use(await startUnbound(bench)),
  ];
}

async function startAll(bench: Bench, made: AsyncDisposableStack): Promise<readonly Subject[]> {
  return [
    ...(await startPeers(bench, made)),
    made.use(await startOurs(bench, { mode: "dns" })),
    made.use(await startOurs(bench, { mode: "dns+nft" })),
  ];
}

async function startBesideIdle(bench: Bench): Promise<Subject> {
  await using made = new AsyncDisposableStack();
  made.use(await startOurs(bench));
  const ours = made.use(await startOurs(bench));
  const all = made.move();
  return { ...ours, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
