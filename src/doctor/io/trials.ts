/** Makes attempts while somebody watches, and has them judged. */
import { setTimeout as sleep } from "node:timers/promises";
import { SystemCallError } from "../../sys/errors.ts";
import { type Ending, endingOf, type Judge, judgeConnect, judgeLookup, type Trace } from "../evidence.ts";
import type { Family, Finding } from "../finding.ts";
import type { Mark, SeenPacket } from "../frames.ts";
import type { Watch } from "./watch.ts";

export interface Trial {
  readonly what: string;
  readonly family: Family;
  /** How what got out is known. */
  readonly mark: Mark;
  /** Makes the attempt; a SystemCallError is an ending, too. May be called again. */
  readonly act: () => Ending | Promise<Ending>;
}

/** Makes all attempts at once. */
export async function runTrials(
  watch: Watch,
  trials: readonly Trial[],
  judge: Judge,
): Promise<readonly Finding[]> {
  const { value: endings, packets } = await watch.during(() => Promise.all(trials.map(attempt)));
  const ended = trials.map((trial, index) => ({ trial, ending: endings[index] ?? NOT_RUN }));
  if (watch.sees || !COUNTED.has(judge)) {
    return ended.map(({ trial, ending }) =>
      toFinding(trial, judge(ending, { seen: findIn(packets, trial.mark) })),
    );
  }
  return countAll(watch, ended, judge);
}

const NOT_RUN: Ending = { kind: "impossible", reason: "it was not run" };
/** Those that ask whether anything left, since the call alone does not tell. */
const COUNTED: ReadonlySet<Judge> = new Set([judgeConnect, judgeLookup]);

interface Ended {
  readonly trial: Trial;
  readonly ending: Ending;
}

/** Once one has got out, the others are not counted: each takes some time. */
async function countAll(watch: Watch, ended: readonly Ended[], judge: Judge): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { trial, ending } of ended) {
    let verdict = judge(ending, { seen: undefined });
    const isOpen = findings.some(({ outcome }) => outcome === "open");
    if (verdict.outcome === "untried" && ending.kind !== "impossible" && !isOpen) {
      verdict = judge(ending, { seen: undefined, counted: await countTrial(watch, trial) });
    }
    findings.push(toFinding(trial, verdict));
  }
  return findings;
}

/** So many at once, more where others send, too. */
const COPIES = [16, 64];

/** Whether many attempts make the interfaces send as many packets more. */
async function countTrial(watch: Watch, trial: Trial): Promise<NonNullable<Trace["counted"]>> {
  for (const copies of COPIES) {
    const startMs = performance.now();
    const { sent } = await watch.during(() =>
      Promise.all(Array.from({ length: copies }, () => attempt(trial))),
    );
    if (sent < copies) return "fewer";
    const tookMs = performance.now() - startMs;
    const idle = await watch.during(() => sleep(tookMs));
    if (idle.sent < copies / 2) return "as many";
  }
  return "unclear";
}

async function attempt({ act }: Trial): Promise<Ending> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof SystemCallError) return endingOf(error.syscall, error.code);
    throw error;
  }
}

function findIn(packets: readonly SeenPacket[] | undefined, mark: Mark): Trace["seen"] {
  if (packets === undefined) return undefined;
  return packets.find(({ octets }) => mark(octets))?.device ?? false;
}

function toFinding({ what, family }: Trial, verdict: ReturnType<Judge>): Finding {
  return { what, family, ...verdict };
}
