/** Arms that put lookups to a server: names, load, and a look at what came back. */
import { join } from "node:path";
import type { Bench } from "../bench.ts";
import type { Arm, Measurement } from "../experiment.ts";
import { runDnsperf, type DnsperfReport, type DnsperfTask, writeNames } from "../load/dnsperf.ts";
import type { ClientReport, ClientTask } from "../load/client-protocol.ts";
import { runClient } from "../load/measure.ts";
import { ALLOWED_ZONE, DENIED_ZONE } from "../load/numbered-names.ts";
import { readProcessorMs } from "../process-facts.ts";
import type { Column, Subject } from "../subjects/subject.ts";

/** More than any server here answers in a second. */
const MAX_PER_SECOND = 250_000;
const CHECKED_SECONDS = 0.05;

/** A file of names for one round, shared by all arms: to each of them the names are new. */
export interface NameFile {
  readonly file: string;
  readonly first: number;
  readonly names: number;
}

/**
 * Names of a zone for round after round, new in each; `names` fewer than a run uses makes it ask some again.
 */
export function createNameFiles(
  bench: Bench,
  zone: string,
  names = Math.ceil(bench.seconds * MAX_PER_SECOND),
): (round: number) => Promise<NameFile> {
  const files = new Map<number, Promise<NameFile>>();
  const create = async (): Promise<NameFile> => {
    const first = bench.takeNumbers(names);
    const file = join(bench.folder, `${zone}-${first}.names`);
    await writeNames(file, first, names, zone);
    return { file, first, names };
  };
  return (round) => {
    const made = files.get(round) ?? create();
    files.set(round, made);
    return made;
  };
}

/**
 * Runs dnsperf, then looks at a sample of answers. The row's value is answers a second; a row of the same
 * name and `-processor` gets the processor time that the server spent on each, which says the same on a busy
 * machine as on a quiet one.
 */
export async function measureRate(
  row: string,
  place: Subject,
  task: DnsperfTask,
  sample: Pick<ClientTask, "zone" | "expect" | "first" | "names">,
): Promise<readonly Measurement[]> {
  const before = await readProcessorMs(place.pid);
  const load = await runDnsperf(place, task);
  const spentMs = (await readProcessorMs(place.pid)) - before;
  const checked = await runClient(place, { ...sample, seconds: CHECKED_SECONDS, pace: { inFlight: 4 } });
  const rcode = sample.expect === "nxdomain" ? "NXDOMAIN" : "NOERROR";
  return [
    { row, value: load.perSecond, fault: list(findLoadFault(load, rcode), findFault(checked)) },
    { row: `${row}-processor`, value: (spentMs * 1000) / (load.sent - load.lost) },
  ];
}

/** An arm at a set number in flight, every name new. `row` names the row by the column's place. */
export function forwardingArm(
  bench: Bench,
  subject: Subject,
  nameFile: (round: number) => Promise<NameFile>,
  { row, inFlight, tcp = false }: { row: string; inFlight: number; tcp?: boolean },
): Arm {
  return {
    column: subject.column,
    async run(round) {
      const { file } = await nameFile(round);
      const task = { file, seconds: bench.seconds, inFlight, tcp };
      const measure = (): Promise<readonly Measurement[]> =>
        measureRate(row, subject, task, allowedSample(bench));
      return subject.during === undefined ? measure() : subject.during(measure);
    },
  };
}

/**
 * The same with a sidecar that is started for each run, warmed up, and gone after it: as long as any sidecar
 * on the machine has nothing to do it listens for changes of nftables, and then the kernel writes an event
 * for each address that another one learns.
 */
export function startingArm(
  bench: Bench,
  start: () => Promise<Subject>,
  nameFile: (round: number) => Promise<NameFile>,
  load: { row: string; inFlight: number; column: Column },
): Arm {
  return {
    column: load.column,
    async run(round) {
      if (round < 0) return [];
      await using subject = await start();
      const arm = forwardingArm(bench, subject, nameFile, load);
      await arm.run(-2 - round);
      // Awaited, or it would end before its run.
      return await arm.run(round);
    },
  };
}

/** New names of the allowed zone, to be looked at one by one. */
export function allowedSample(
  bench: Bench,
  names = 4096,
): Pick<ClientTask, "zone" | "expect" | "first" | "names"> {
  return { zone: ALLOWED_ZONE, expect: "address", first: bench.takeNumbers(names), names };
}

export function deniedSample(
  bench: Bench,
  names = 4096,
): Pick<ClientTask, "zone" | "expect" | "first" | "names"> {
  return { zone: DENIED_ZONE, expect: "nxdomain", first: bench.takeNumbers(names), names };
}

/** What was wrong with the answers that the measuring client got. */
export function findFault({ sent, lost, wrong, lateUs }: ClientReport): string | undefined {
  return list(
    sent === 0 ? "nothing was asked" : undefined,
    lost > 0 ? `${lost} of ${sent} lost` : undefined,
    wrong > 0 ? `${wrong} of ${sent} answers wrong` : undefined,
    lateUs > 20_000 ? `the client itself was ${Math.round(lateUs / 1000)} ms late` : undefined,
  );
}

export function findLoadFault(
  { sent, lost, rcodes, perSecond }: DnsperfReport,
  wanted: string,
): string | undefined {
  const others = Object.entries(rcodes).filter(([rcode]) => rcode !== wanted);
  return list(
    perSecond > 0 ? undefined : "no answers",
    lost > 0 ? `${lost} of ${sent} lost` : undefined,
    ...others.map(([rcode, count]) => `${count} of ${sent} ${rcode}`),
  );
}

function list(...faults: readonly (string | undefined)[]): string | undefined {
  const found = faults.filter((fault) => fault !== undefined);
  return found.length === 0 ? undefined : found.join(", ");
}
