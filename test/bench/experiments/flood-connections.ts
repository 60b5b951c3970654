/**
 * A workload opens connections to what is refused, as many as it can up to 50,000 a second: how much of a
 * processor that takes the sidecar, and who is the limit, the senders or the kernel, which refuses and counts
 * each in the sender's own call.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { requireCommand } from "../../../src/netns/command.ts";
import { argvIn } from "../../../src/netns/namespace.ts";
import type { Bench } from "../bench.ts";
import type { Experiment, Measurement } from "../experiment.ts";
import { readProcessorMs } from "../process-facts.ts";
import { type Ours, startOurs } from "../subjects/sidecar.ts";

const SOURCE = fileURLToPath(new URL("../load/syn-flood.c", import.meta.url));
const PER_SECOND = 50_000;
/** More than processors: beside other work each gets a part of its own. */
const SENDERS = 32;
const REFUSED = { address: "203.0.113.200", port: 80 } as const;
const COUNTER = "egress.connections.denied_total";

export const floodConnections: Experiment = {
  name: "flood-connections",
  warmsUp: true,
  rows: [
    {
      id: "flood-connections",
      title: "flood of connections to refuse, 50,000 a second offered",
      unit: "connections/s",
    },
    {
      id: "flood-connections-processor",
      title: "the same: processor time of the sidecar",
      unit: "%",
      aims: [{ kind: "at most", of: "ours dns+nft", limit: 2 }],
    },
    {
      id: "flood-connections-kernel",
      title: "the same: the kernel's time for each, in its sender",
      unit: "us",
    },
    { id: "flood-connections-sender", title: "the same: the sender's own time for each", unit: "us" },
  ],
  async prepare(bench, made) {
    const program = join(bench.folder, "syn-flood");
    await requireCommand(["gcc", "-O2", "-Wall", "-Werror", "-o", program, SOURCE]);
    const ours = made.use(await startOurs(bench));
    return [{ column: ours.column, run: () => measureFlood(bench, ours, program) }];
  },
};

const reportShape = z.object({
  sent: z.number(),
  seconds: z.number(),
  ownUs: z.number(),
  kernelUs: z.number(),
});

async function measureFlood(bench: Bench, ours: Ours, program: string): Promise<readonly Measurement[]> {
  const { namespace, processors, pid } = ours;
  const before = { refused: await readRefused(ours), ms: await readProcessorMs(pid) };
  const { address, port } = REFUSED;
  const numbers = [port, PER_SECOND, bench.seconds, SENDERS].map(String);
  const argv = argvIn(namespace, processors.pinned("load", [program, address, ...numbers]));
  const text = await requireCommand(argv, { timeoutMs: (bench.seconds + 30) * 1000 });
  const spentMs = (await readProcessorMs(pid)) - before.ms;
  const { sent, seconds, ownUs, kernelUs } = reportShape.parse(JSON.parse(text));
  const refused = (await readRefused(ours)) - before.refused;
  const fault = refused === sent ? undefined : `${sent} sent, ${refused} counted`;
  return [
    // Each sender has that long from its own first packet on; they begin one after the other.
    { row: "flood-connections", value: sent / bench.seconds, fault },
    { row: "flood-connections-processor", value: spentMs / (seconds * 10) },
    { row: "flood-connections-kernel", value: kernelUs / sent },
    { row: "flood-connections-sender", value: ownUs / sent },
  ];
}

async function readRefused({ sidecar }: Ours): Promise<number> {
  const status = z.looseObject({ counters: z.record(z.string(), z.number()) });
  return status.parse((await sidecar.api("GET", "/status")).json()).counters[COUNTER] ?? 0;
}
