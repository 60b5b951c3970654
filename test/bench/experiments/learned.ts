/**
 * New addresses while few or very many are learned already: those of other wildcards, which the load does not
 * touch.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Bench } from "../bench.ts";
import type { Arm, Experiment, Measurement } from "../experiment.ts";
import { runDnsperf, writeNames } from "../load/dnsperf.ts";
import { ALLOWED_ZONE } from "../load/numbered-names.ts";
import { ALLOW_ZONE, type Ours, startOurs } from "../subjects/sidecar.ts";
import { createNameFiles, forwardingArm } from "./lookup-arms.ts";

const COUNTS = [10, 100_000] as const;
/** Each may have 8,192 addresses. */
const ZONES = Array.from({ length: 13 }, (_, index) => `w${index}.${ALLOWED_ZONE}`);
const FILL_SECONDS = 30;

const RULES = [...ZONES.map((zone) => ({ action: "allow" as const, target: `*.${zone}` })), ALLOW_ZONE];
const status = z.looseObject({ learned: z.looseObject({ total: z.number() }) });

export const learned: Experiment = {
  name: "learned",
  warmsUp: true,
  rows: COUNTS.flatMap((count) => [
    {
      id: `learned-${count}`,
      title: `every name and address new, 50 in flight, ${count.toLocaleString("en")} others learned`,
      unit: "lookups/s" as const,
      ...(count === COUNTS[0] ? {} : { aims: [notBelow(`learned-${COUNTS[0]}`)] }),
    },
    {
      id: `learned-${count}-processor`,
      title: "the same: processor time of the server for each",
      unit: "us" as const,
    },
  ]),
  async prepare(bench, made) {
    const nameFile = createNameFiles(bench, ALLOWED_ZONE);
    const arms: Arm[] = [];
    for (const count of COUNTS) {
      const ours = made.use(await startOurs(bench, { rules: RULES }));
      await learn(bench, ours, count);
      const arm = forwardingArm(bench, ours, nameFile, { row: `learned-${count}`, inFlight: 50 });
      arms.push({
        ...arm,
        run: async (round) => flagged(await arm.run(round), await countLearned(ours), count),
      });
    }
    return arms;
  },
};

function notBelow(toRow: string) {
  return { kind: "ratio", of: "ours dns+nft", to: "ours dns+nft", toRow, atLeast: 0.9 } as const;
}

/** Asks for names of all zones, as many in each. */
async function learn(bench: Bench, ours: Ours, count: number): Promise<void> {
  const names = Math.ceil(count / ZONES.length);
  const file = join(bench.folder, `learned-${count}.names`);
  const parts: Buffer[] = [];
  for (const zone of ZONES) {
    await writeNames(file, bench.takeNumbers(names), names, zone);
    parts.push(await readFile(file));
  }
  await writeFile(file, Buffer.concat(parts));
  await runDnsperf(ours, { file, isReadOnce: true, seconds: FILL_SECONDS, inFlight: 50 });
}

async function countLearned(ours: Ours): Promise<number> {
  const answer = await ours.sidecar.api("GET", "/status?limit=1");
  return status.parse(answer.json()).learned.total;
}

function flagged(taken: readonly Measurement[], found: number, wanted: number): readonly Measurement[] {
  if (found >= wanted) return taken;
  return taken.map((one) => ({ ...one, fault: one.fault ?? `only ${found} addresses learned` }));
}
