/** A network namespace that plays the machine, so that `egress run` never touches the real one. The lab's sandbox is that machine. */
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Argv, type RunningCommand, startCommand } from "../../src/netns/command.ts";
import { execIn, readSysctl, spawnIn } from "../../src/netns/namespace.ts";
import type { Lab } from "./lab.ts";
import { WAIT_MS } from "./limits.ts";
import { withOwnPlaces } from "./own-places.ts";
import { until } from "./until.ts";

const EGRESS: Argv = [process.execPath, fileURLToPath(new URL("../../src/main.ts", import.meta.url))];

interface FinishedRun {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

interface StartedRun {
  readonly process: RunningCommand;
  stdout(): string;
  stderr(): string;
  readonly end: Promise<FinishedRun>;
}

/** What runs have set or made; of what is not the namespace's own, only what this machine's runs made, by process id. */
export interface MachineState {
  readonly forwarding: string | undefined;
  readonly tables: string;
  readonly links: readonly string[];
  readonly namespaces: readonly string[];
  readonly folders: readonly string[];
}

export interface Machine {
  /** `egress run ARGS` to its end, a minute at most. */
  run(args: readonly string[], options?: RunOptions): Promise<FinishedRun>;
  /** Starts `egress run ARGS`. */
  start(args: readonly string[], options?: RunOptions): StartedRun;
  /** The same, and waits until its command has printed `ready`. */
  startReady(args: readonly string[]): Promise<StartedRun>;
  state(): Promise<MachineState>;
}

interface RunOptions {
  readonly input?: string;
  /** Added to this process's environment and that which names the lab's resolver. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Find the resolver in the machine's resolv.conf, which is the lab's, as on a machine where nothing is set. */
  readonly readsResolvConf?: boolean;
  /** Put before the program, such as a shell that opens descriptors and then runs the rest of its arguments. */
  readonly under?: readonly string[];
}

/** What `state` shows on a machine where no run has ever been. */
export const UNTOUCHED: MachineState = {
  forwarding: "0",
  tables: "",
  links: [],
  namespaces: [],
  folders: [],
};

export function createMachine(lab: Lab): Machine {
  const pids: number[] = [];
  const start: Machine["start"] = (args, { input, env, readsResolvConf = false, under = [] } = {}) => {
    const [file = "", ...rest] = [...under, ...EGRESS, "run", ...args];
    const argv = withOwnPlaces([file, ...rest]);
    // Each `ip netns exec` has mounts of its own, in which a namespace that a run makes would be hidden from the next command.
    const child = readsResolvConf
      ? spawnIn(lab.sandbox, argv, { timeoutMs: WAIT_MS, env: { ...process.env, ...env } })
      : startCommand(["/usr/bin/nsenter", `--net=/run/netns/${lab.sandbox.name}`, "--", ...argv], {
          timeoutMs: WAIT_MS,
          env: { ...process.env, OPENSANDBOX_EGRESS_DNS_UPSTREAM: lab.upstream.addresses[0], ...env },
        });
    pids.push(child.pid);
    const run = watchRun(child);
    if (input !== undefined) child.stdin.end(input);
    return run;
  };
  return {
    start,
    run: (args, options) => start(args, { input: "", ...options }).end,
    async startReady(args) {
      const run = start(args);
      const isReady = (): boolean => {
        if (run.process.hasEnded()) throw new Error(`egress run ended: ${run.stderr()}`);
        return run.stdout().includes("ready");
      };
      await until("the command of the run is ready", isReady);
      return run;
    },
    state: () => readState(lab, pids),
  };
}

function watchRun(child: RunningCommand): StartedRun {
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const waitForEnd = async (): Promise<FinishedRun> => ({ ...(await child.end), stdout, stderr });
  return { process: child, stdout: () => stdout, stderr: () => stderr, end: waitForEnd() };
}

async function readState(lab: Lab, pids: readonly number[]): Promise<MachineState> {
  const read = async (argv: Argv): Promise<string> => (await execIn(lab.sandbox, argv)).stdout;
  const isOurs = (name: string): boolean => pids.some((pid) => name.includes(`-${pid}-`));
  const links = (await read(["ip", "-br", "link"])).split("\n").map((line) => line.split(/[@ ]/)[0] ?? "");
  const names = (await read(["ip", "netns", "list"])).split("\n").map((line) => line.split(" ")[0] ?? "");
  const folders = [...(await listFolder("/run")), ...(await listFolder("/etc/netns"))];
  return {
    forwarding: await readSysctl(lab.sandbox, "net.ipv4.ip_forward"),
    tables: await read(["nft", "list", "tables"]),
    links: links.filter((name) => /^egr\d+$/.test(name)),
    namespaces: names.filter(isOurs),
    folders: folders.filter(isOurs),
  };
}

async function listFolder(path: string): Promise<readonly string[]> {
  return readdir(path).catch(() => []);
}
