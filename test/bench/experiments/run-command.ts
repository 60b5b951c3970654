/**
 * What it costs to run a command that does nothing, `true`, in a place of its own: beside programs that do
 * less, and one that does the like.
 */
import { access, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Argv, requireCommand } from "../../../src/netns/command.ts";
import { argvIn, type NetworkNamespace } from "../../../src/netns/namespace.ts";
import type { Bench } from "../bench.ts";
import type { Arm, Experiment, Measurement } from "../experiment.ts";
import { UPSTREAM } from "../network.ts";
import type { Column } from "../subjects/subject.ts";

/** Where `.ci/prepare bench` installs it: no dependency of this project's. */
const TOOLS = fileURLToPath(new URL("../../../.bench-tools", import.meta.url));
const SRT = join(TOOLS, "node_modules", ".bin", "srt");

export const run: Experiment = {
  name: "run",
  rounds: 7,
  warmsUp: true,
  rows: [
    {
      id: "run-wall",
      title: "run the command `true`: until its exit code is there",
      unit: "ms",
      aims: [{ kind: "at most", of: "egress run", limit: 350 }],
    },
    { id: "run-processor", title: "the same, processor time of all that is started", unit: "ms" },
    {
      id: "run-processes",
      title: "the same, processes that are started",
      unit: "processes",
      aims: [{ kind: "at most", of: "egress run", limit: 12 }],
    },
  ],
  async prepare(bench, made) {
    const sandbox = made.use(await bench.network.addSandbox("run"));
    return (await findRunners(bench)).map(([column, argv]) => createArm(bench, sandbox, column, argv));
  },
};

/** Those that are installed. */
async function findRunners(bench: Bench): Promise<readonly (readonly [Column, Argv])[]> {
  const [program, ...before] = bench.program;
  const egress = [program, ...before.slice(0, -1), "run", "--", "true"] as const;
  const settings = join(bench.folder, "srt.json");
  const network = { allowedDomains: ["example.org"], deniedDomains: [] };
  const filesystem = { denyRead: [], allowWrite: ["."], denyWrite: [] };
  await writeFile(settings, JSON.stringify({ network, filesystem }));
  const bwrap = ["bwrap", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"];
  const runners: readonly (readonly [Column, Argv, string])[] = [
    ["egress run", egress, program],
    ["srt", [process.execPath, SRT, "-s", settings, "true"], SRT],
    ["bwrap", ["env", ...bwrap, "--unshare-net", "--unshare-pid", "true"], "/usr/bin/bwrap"],
    ["unshare -n", ["unshare", "-n", "true"], "/usr/bin/unshare"],
  ];
  const there = await Promise.all(
    runners.map(([, , needed]) =>
      access(needed).then(
        () => true,
        () => false,
      ),
    ),
  );
  return runners.filter((_runner, index) => there[index]).map(([column, argv]) => [column, argv] as const);
}

function createArm(bench: Bench, sandbox: NetworkNamespace, column: Column, argv: Argv): Arm {
  const env = { ...process.env, OPENSANDBOX_EGRESS_DNS_UPSTREAM: UPSTREAM.address };
  const inside = (...before: string[]): Promise<string> => {
    const [file = "", ...rest] = [...before, ...argv];
    return requireCommand(argvIn(sandbox, [file, ...rest]), { env });
  };
  return {
    column,
    async run() {
      const times = join(bench.folder, "run-times");
      const script = 'TIMEFORMAT="%R %U %S"; { time "${@:2}" 2>/dev/null; } 2>"$1"';
      await inside("bash", "-c", script, "bash", times);
      const [wall = 0, user = 0, system = 0] = (await readFile(times, "utf8")).split(" ").map(Number);
      const trace = join(bench.folder, "run-trace");
      await inside("strace", "-f", "-qq", "-o", trace, "-e", "trace=clone,clone3,fork,vfork");
      const measured: readonly Measurement[] = [
        { row: "run-wall", value: wall * 1000 },
        { row: "run-processor", value: (user + system) * 1000 },
        { row: "run-processes", value: countProcesses(await readFile(trace, "utf8")) },
      ];
      return measured;
    },
  };
}

/** With the first one, which the caller starts; threads are none. */
function countProcesses(trace: string): number {
  const made = trace.split("\n").filter((line) => /^\d+ +(?:clone3?|v?fork)\(/.test(line));
  return 1 + made.filter((line) => !line.includes("CLONE_THREAD")).length;
}
