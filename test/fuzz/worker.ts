/** One target's run in a thread of its own, so that one that hangs can be told and ended from outside. */
import { parentPort, workerData } from "node:worker_threads";
import { runTarget } from "./engine/run.ts";
import { TARGETS } from "./targets/all.ts";
import type { Task } from "./task.ts";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- main.ts sends nothing else
const { name, seed, minutes, progress } = workerData as Task;
const target = TARGETS.find((one) => one.name === name);
if (target === undefined) throw new Error(`no target ${name}`);
const until = performance.now() + minutes * 60_000;
const report = await runTarget(target, {
  seed,
  goesOn: (cases) => cases === 0 || performance.now() < until,
  onCase: (number) => {
    progress[0] = number;
    progress[1] = (progress[1] ?? 0) + 1;
  },
});
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
parentPort?.postMessage(report);
