import { mutate } from "./mutate.ts";
import { createRandom } from "./random.ts";
import { readSeeds } from "./seeds.ts";
import type { Target } from "./target.ts";

/** What a run has seen. */
export interface Report {
  readonly target: string;
  readonly seeds: number;
  readonly cases: number;
  /** How often each outcome came. */
  readonly outcomes: Readonly<Record<string, number>>;
  /**
   * Processor time of the slowest case, the check alone; where several are checked at once, with the ends of
   * those before.
   */
  readonly slowestMs: number;
  readonly slowestSeed: number;
}

export interface RunOptions {
  /** The first case's; each case has the next number. */
  readonly seed: number;
  /** Asked before each case with how many there have been. */
  readonly goesOn: (cases: number) => boolean;
  /** Told of each case before it begins: what a watchdog needs to know. */
  readonly onCase?: (seed: number) => void;
}

/**
 * Checks the seeds as they are, then cases one after the other. Rejects with the first failure, told so that
 * it can be had again.
 */
export async function runTarget(target: Target, { seed, goesOn, onCase }: RunOptions): Promise<Report> {
  const seeds = readSeeds(target.seeds);
  await using checker = await target.open();
  for (const { file, octets } of seeds) {
    await tell(`${target.name}: the seed ${file}`, octets, async () =>
      checker.check(octets, createRandom(0)),
    );
  }
  const outcomes: Record<string, number> = {};
  let slowestMs = 0;
  let slowestSeed = seed;
  let cases = 0;
  const settle = async (checks: readonly Promise<string>[]): Promise<void> => {
    for (const outcome of await Promise.all(checks)) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  };
  let underWay: Promise<string>[] = [];
  for (; goesOn(cases); cases++) {
    const number = (seed + cases) >>> 0;
    onCase?.(number);
    const random = createRandom(number);
    const input = makeInput(
      target,
      seeds.map(({ octets }) => octets),
      random,
    );
    const before = process.threadCpuUsage();
    const check = tell(`${target.name}: npm run fuzz -- ${target.name} --seed ${number}`, input, async () =>
      checker.check(input, random),
    );
    if (underWay.push(check) >= (checker.atOnce ?? 1)) {
      await settle(underWay);
      underWay = [];
    }
    const { user, system } = process.threadCpuUsage(before);
    const tookMs = (user + system) / 1000;
    if (tookMs > slowestMs) [slowestMs, slowestSeed] = [tookMs, number];
  }
  await settle(underWay);
  return { target: target.name, seeds: seeds.length, cases, outcomes, slowestMs, slowestSeed };
}

function makeInput(
  target: Target,
  seeds: readonly Buffer[],
  random: ReturnType<typeof createRandom>,
): Buffer {
  const [first = Buffer.alloc(0), ...others] = seeds;
  const how = random.below(20);
  if (how === 0) return random.octets(random.below(600));
  if (how < 5) return target.make(random);
  const base = how < 9 ? target.make(random) : random.pick([first, ...others]);
  return mutate(random, base, random.pick([first, ...others]));
}

async function tell(what: string, input: Buffer, check: () => Promise<string>): Promise<string> {
  try {
    return await check();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${what}: ${reason}\ninput: ${input.toString("hex")}`, { cause: error });
  }
}
