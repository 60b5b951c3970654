/**
 * `npm run fuzz [-- TARGET...] [--minutes M] [--seed N]`: random and mutated octets into everything that
 * reads what others wrote, a minute each unless told. A failure names the seed that has it again at once.
 * Exits 1 when something failed or hung.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import type { Report } from "./engine/run.ts";
import { TARGETS } from "./targets/all.ts";
import type { Task } from "./task.ts";

/** No case takes a hundredth of this on any machine. */
const HANGS_AFTER_MS = 20_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: "string", default: "1" }, seed: { type: "string" } },
});
const unknown = positionals.filter((name) => TARGETS.every((target) => target.name !== name));
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? randomInt(2 ** 32) : Number(values.seed);
if (unknown.length > 0 || !(minutes >= 0) || !(seed >= 0 && seed < 2 ** 32)) {
  process.stderr.write(
    `fuzz: TARGET is one of ${TARGETS.map(({ name }) => name).join(", ")}; --minutes takes a number, --seed one below 2^32\n`,
  );
  process.exit(2);
}
process.stdout.write(`seed ${seed}, ${minutes} min each\n`);
for (const { name, missing } of TARGETS) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const reason = missing?.();
  if (reason !== undefined) {
    process.stdout.write(`${name}: not run: ${reason}\n`);
    continue;
  }
  try {
    process.stdout.write(`${render(await runInThread(name))}\n`);
  } catch (error) {
    process.stdout.write(`FAILED ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

function render({ target, seeds, cases, outcomes, slowestMs, slowestSeed }: Report): string {
  const counts = Object.entries(outcomes).map(([outcome, count]) => `${outcome} ${count}`);
  return `${target}: ${seeds} seeds, ${cases} cases (${counts.join(", ")}); slowest ${slowestMs.toFixed(1)} ms, seed ${slowestSeed}`;
}

async function runInThread(name: string): Promise<Report> {
  const progress = new Uint32Array(new SharedArrayBuffer(8));
  const task: Task = { name, seed, minutes, progress };
  const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: task });
  const { promise, resolve, reject } = Promise.withResolvers<Report>();
  worker.once("message", resolve);
  worker.once("error", reject);
  worker.once("exit", () => reject(new Error(`${name}: the thread ended without a report`)));
  let last = 0;
  const watchdog = setInterval(() => {
    if (progress[1] === last)
      reject(new Error(`${name} hangs: npm run fuzz -- ${name} --seed ${progress[0]}`));
    last = progress[1] ?? 0;
  }, HANGS_AFTER_MS);
  try {
    return await promise;
  } finally {
    clearInterval(watchdog);
    await worker.terminate();
  }
}
