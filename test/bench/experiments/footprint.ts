/**
 * What the sidecar costs while little or nothing happens: its start, its memory, its idle processor time, and
 * a crowd of them.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Argv } from "../../../src/netns/command.ts";
import type { OwnedNamespace } from "../../../src/netns/namespace.ts";
import type { Bench } from "../bench.ts";
import type { Arm, Experiment, Measurement } from "../experiment.ts";
import { runDnsperf } from "../load/dnsperf.ts";
import { runClient } from "../load/measure.ts";
import { ALLOWED_ZONE } from "../load/numbered-names.ts";
import { readMemory, readProcessorMs } from "../process-facts.ts";
import { median } from "../statistics.ts";
import { BUNDLED, isBundled, type Ours, startOurs, UNBUILT } from "../subjects/sidecar.ts";
import { allowedSample, createNameFiles, findFault, findLoadFault } from "./lookup-arms.ts";

const IDLE_SECONDS = 5;
/** Until the sidecar has tidied up: it does so every 15 s. */
const SETTLE_MS = 17_000;
const SOAK_PER_SECOND = 5000;
const CROWD_LIMIT_MS = 120_000;
const CROWD_POLL_MS = 100;

export const start: Experiment = {
  name: "start",
  rounds: 5,
  rows: [
    {
      id: "start-bundled",
      title: "start of the bundle to /healthz 200",
      unit: "ms",
      original: 230,
      aims: [{ kind: "at most", of: "ours dns+nft", limit: 120 }],
    },
    { id: "start-bundled-processor", title: "the same: its processor time until then", unit: "ms" },
    { id: "start-unbuilt", title: "start of src/main.ts, unbuilt, to /healthz 200", unit: "ms" },
    { id: "start-unbuilt-processor", title: "the same: its processor time until then", unit: "ms" },
  ],
  async prepare(bench) {
    const arms: Arm[] = [startArm(bench, "start-unbuilt", UNBUILT)];
    const { beside } = bench;
    if (beside !== undefined) {
      const program: Argv = [process.execPath, beside, "serve"];
      arms.unshift({ ...startArm(bench, "start-bundled", program), column: "beside" });
    }
    if (await isBundled()) arms.unshift(startArm(bench, "start-bundled", BUNDLED));
    return arms;
  },
};

export const idle: Experiment = {
  name: "idle",
  rounds: 1,
  rows: [
    {
      id: "idle-anonymous",
      title: "idle: anonymous memory",
      unit: "MiB",
      original: 2.3,
      aims: [{ kind: "at most", of: "ours dns+nft", limit: 20 }],
    },
    { id: "idle-rss", title: "idle: resident memory", unit: "MiB", original: 17 },
    { id: "idle-processor", title: `idle: processor time over ${IDLE_SECONDS} s`, unit: "%" },
  ],
  async prepare(bench, made) {
    const ours = [made.use(await startOurs(bench, { mode: "dns" })), made.use(await startOurs(bench))];
    return ours.map((one) => ({ column: one.column, run: () => measureIdle(one) }));
  },
};

export const soak: Experiment = {
  name: "soak",
  rounds: 1,
  rows: [
    {
      id: "soak-anonymous",
      title: "anonymous memory after the soak, every name new, 5,000 a second",
      unit: "MiB",
      aims: [{ kind: "at most", of: "ours dns+nft", limit: 32 }],
    },
    { id: "soak-highest", title: "the same, the highest seen", unit: "MiB" },
    { id: "soak-growth", title: "the same, second half of the soak: growth", unit: "MiB" },
  ],
  async prepare(bench, made) {
    const ours = made.use(await startOurs(bench));
    return [{ column: ours.column, run: () => measureSoak(bench, ours) }];
  },
};

export const crowd: Experiment = {
  name: "crowd",
  rounds: 1,
  isAsked: ({ crowd: size }) => size > 0,
  rows: [
    {
      id: "crowd-all",
      title: "a crowd of sandboxes, started at once: all healthy and answering",
      unit: "ms",
    },
    { id: "crowd-start", title: "the same, each from its own start: median", unit: "ms" },
    { id: "crowd-pss", title: "the same, memory of each (proportional share): median", unit: "MiB" },
    { id: "crowd-anonymous", title: "the same, anonymous memory of each: median", unit: "MiB" },
  ],
  prepare: async (bench, made) => [{ column: "ours dns+nft", run: () => measureCrowd(bench, made) }],
};

function startArm(bench: Bench, row: string, program: Argv): Arm {
  return {
    column: "ours dns+nft",
    async run() {
      await using ours = await startOurs(bench, { program, isFree: true });
      return [
        { row, value: ours.sidecar.startMs },
        { row: `${row}-processor`, value: await readProcessorMs(ours.pid) },
      ];
    },
  };
}

async function measureIdle({ pid }: Ours): Promise<readonly Measurement[]> {
  await sleep(SETTLE_MS);
  const before = await readProcessorMs(pid);
  await sleep(IDLE_SECONDS * 1000);
  const busyMs = (await readProcessorMs(pid)) - before;
  const memory = await readMemory(pid);
  return [
    { row: "idle-anonymous", value: memory.anonymousMiB },
    { row: "idle-rss", value: memory.rssMiB },
    { row: "idle-processor", value: busyMs / (IDLE_SECONDS * 10) },
  ];
}

async function measureSoak(bench: Bench, ours: Ours): Promise<readonly Measurement[]> {
  const seconds = bench.soakSeconds;
  const { file } = await createNameFiles(bench, ALLOWED_ZONE, seconds * SOAK_PER_SECOND)(0);
  const samples: number[] = [];
  const timer = setInterval(
    () => void readMemory(ours.pid).then(({ anonymousMiB }) => samples.push(anonymousMiB)),
    Math.max(seconds * 10, 250),
  );
  const load = await runDnsperf(ours, { file, seconds, inFlight: 100, perSecond: SOAK_PER_SECOND });
  clearInterval(timer);
  const { anonymousMiB } = await readMemory(ours.pid);
  const half = samples.slice(samples.length >> 1);
  return [
    { row: "soak-anonymous", value: anonymousMiB, fault: findLoadFault(load, "NOERROR") },
    { row: "soak-highest", value: Math.max(...samples) },
    { row: "soak-growth", value: (half.at(-1) ?? Number.NaN) - (half[0] ?? Number.NaN) },
  ];
}

async function measureCrowd(bench: Bench, made: AsyncDisposableStack): Promise<readonly Measurement[]> {
  const sandboxes: OwnedNamespace[] = [];
  for (let i = 0; i < bench.crowd; i++) sandboxes.push(made.use(await bench.network.addSandbox("crowd")));
  const startedAt = performance.now();
  const members = await Promise.all(sandboxes.map((sandbox) => startMember(bench, made, sandbox)));
  const value = performance.now() - startedAt;
  const faults: string[] = [];
  for (const { ours } of members) {
    const task = { ...allowedSample(bench), seconds: 0.02, pace: { inFlight: 1 } };
    const fault = findFault(await runClient(ours, task));
    if (fault !== undefined) faults.push(fault);
  }
  const memories = await Promise.all(members.map(({ ours }) => readMemory(ours.pid)));
  return [
    { row: "crowd-all", value, fault: faults.length === 0 ? undefined : faults.join(", ") },
    { row: "crowd-start", value: median(members.map(({ startMs }) => startMs)) },
    { row: "crowd-pss", value: median(memories.map(({ pssMiB }) => pssMiB)) },
    { row: "crowd-anonymous", value: median(memories.map(({ anonymousMiB }) => anonymousMiB)) },
  ];
}

/**
 * Asked for its health less often than one that starts alone: a hundred times each 5 ms would be a load of
 * its own.
 */
async function startMember(
  bench: Bench,
  made: AsyncDisposableStack,
  sandbox: OwnedNamespace,
): Promise<{ readonly ours: Ours; readonly startMs: number }> {
  const startedAt = performance.now();
  const ours = made.use(await startOurs(bench, { sandbox, isFree: true, awaitHealth: false }));
  while (performance.now() - startedAt < CROWD_LIMIT_MS) {
    const answer = await ours.sidecar.api("GET", "/healthz").catch(() => undefined);
    if (answer?.status === 200) return { ours, startMs: performance.now() - startedAt };
    await sleep(CROWD_POLL_MS);
  }
  throw new Error(`one of the crowd is not healthy after ${CROWD_LIMIT_MS} ms: ${ours.sidecar.output()}`);
}
