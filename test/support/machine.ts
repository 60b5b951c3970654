/**
 * A network namespace that plays the machine, so that `egress run` never touches the real one. The lab's
 * sandbox is that machine.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { type Argv, type RunningCommand, startCommand } from "../../src/netns/command.ts";
import { execIn, readSysctl, spawnIn } from "../../src/netns/namespace.ts";
import type { Lab } from "./lab.ts";
import { WAIT_MS } from "./limits.ts";
import { withOwnPlaces } from "./own-places.ts";
import { MAIN } from "./tested-program.ts";
import { until } from "./until.ts";

export const EGRESS: Argv = [process.execPath, MAIN];

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

/**
 * What runs have set or made; of what is not the namespace's own, only what this machine's runs made, by
 * their ids.
 */
export interface MachineState {
  /** `ip_forward`. */
  readonly forwarding: string | undefined;
  /** Every setting of IPv4 of each interface that is not as the namespace began with it. */
  readonly settings: readonly string[];
  readonly tables: string;
  readonly links: readonly string[];
  readonly rules: string;
  readonly folders: readonly string[];
}

export interface Machine {
  /** `egress run ARGS` to its end, a minute at most. */
  run(args: readonly string[], options?: RunOptions): Promise<FinishedRun>;
  /** Starts `egress run ARGS`. */
  start(args: readonly string[], options?: RunOptions): StartedRun;
  /** The same, and waits until its command has printed `ready`. */
  startReady(args: readonly string[], options?: RunOptions): Promise<StartedRun>;
  state(): Promise<MachineState>;
  /** The processes in a started run's network namespace: the sidecar, and what holds the command. */
  insiders(run: StartedRun): readonly number[];
  /** Starts any program there, with the environment in which `egress run` finds the lab's resolver. */
  spawn(argv: readonly string[]): RunningCommand;
}

interface RunOptions {
  readonly input?: string;
  /** Added to this process's environment and that which names the lab's resolver. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /**
   * Find the resolver in the machine's resolv.conf, which is the lab's, as on a machine where nothing is set.
   */
  readonly readsResolvConf?: boolean;
  /**
   * Put before the program, such as a shell that opens descriptors and then runs the rest of its arguments.
   */
  readonly under?: readonly string[];
  /** The program; default: the tested one. */
  readonly program?: Argv;
}

/** What `state` shows on a machine where no run has ever been. */
export const UNTOUCHED: MachineState = {
  forwarding: "0",
  settings: [],
  tables: "",
  links: [],
  rules: "0:from all lookup local\n32766:from all lookup main\n32767:from all lookup default\n",
  folders: [],
};

export function createMachine(lab: Lab): Machine {
  const ids = new Set<string>();
  const settings = readSettings(lab);
  const start: Machine["start"] = (args, options = {}) => {
    const { input, env, readsResolvConf = false, under = [], program = EGRESS } = options;
    const [file = "", ...rest] = [...under, ...program, "run", ...args];
    const argv = withOwnPlaces([file, ...rest]);
    // Each `ip netns exec` has mounts of its own, in which a namespace that a run makes would be hidden from
    // the next command.
    const child = readsResolvConf
      ? spawnIn(lab.sandbox, argv, {
          timeoutMs: WAIT_MS,
          env: { ...process.env, ...WITHOUT_PROXIES, ...env },
        })
      : startCommand([...entered(lab), ...argv], {
          timeoutMs: WAIT_MS,
          env: { ...process.env, ...WITHOUT_PROXIES, ...resolverOf(lab), ...env },
        });
    const run = watchRun(child, (id) => ids.add(id));
    if (input !== undefined) child.stdin.end(input);
    return run;
  };
  return {
    start,
    run: (args, options) => start(args, { input: "", ...options }).end,
    async startReady(args, options) {
      const run = start(args, options);
      const isReady = (): boolean => {
        if (run.process.hasEnded()) throw new Error(`egress run ended: ${run.stderr()}`);
        return run.stdout().includes("ready");
      };
      await until("the command of the run is ready", isReady);
      return run;
    },
    state: async () => readState(lab, ids, await settings),
    insiders: (run) => findInsiders(run.process.pid),
    spawn: ([file = "", ...args]) =>
      startCommand([...entered(lab), ...withOwnPlaces([file, ...args])], {
        env: { ...process.env, ...resolverOf(lab), TERM: "xterm" },
      }),
  };
}

/** The lab has none, and a run tells of those that its environment names. */
const WITHOUT_PROXIES = Object.fromEntries(
  ["http_proxy", "https_proxy", "all_proxy"].flatMap((name) => [
    [name, undefined],
    [name.toUpperCase(), undefined],
  ]),
);

function entered(lab: Lab): Argv {
  return ["/usr/bin/nsenter", `--net=/run/netns/${lab.sandbox.name}`, "--"];
}

function resolverOf(lab: Lab): Record<string, string | undefined> {
  return { OPENSANDBOX_EGRESS_DNS_UPSTREAM: lab.upstream.addresses[0] };
}

function watchRun(child: RunningCommand, onId: (id: string) => void): StartedRun {
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const [, id = ""] of stderr.matchAll(/egress_run_([0-9a-f]{8})/g)) onId(id);
  });
  const waitForEnd = async (): Promise<FinishedRun> => ({ ...(await child.end), stdout, stderr });
  return { process: child, stdout: () => stdout, stderr: () => stderr, end: waitForEnd() };
}

async function readState(
  lab: Lab,
  ids: ReadonlySet<string>,
  settingsBefore: ReadonlyMap<string, string>,
): Promise<MachineState> {
  const read = async (argv: Argv): Promise<string> => (await execIn(lab.sandbox, argv)).stdout;
  const links = (await read(["ip", "-br", "link"])).split("\n").map((line) => line.split(/[@ ]/)[0] ?? "");
  const settings = [...(await readSettings(lab))].filter(([path, value]) => {
    const before = settingsBefore.get(path);
    return before !== undefined && before !== value;
  });
  const isOurs = (name: string): boolean => [...ids].some((id) => name === `egress-run-${id}`);
  const inode = (await read(["stat", "-L", "-c", "%i", "/proc/self/ns/net"])).trim();
  const remembered = (await listFolder("/run/egress-forwarding")).filter((name) =>
    name.startsWith(`net-${inode}-`),
  );
  return {
    forwarding: await readSysctl(lab.sandbox, "net.ipv4.ip_forward"),
    settings: settings.map(([path, value]) => `${path}=${value}`),
    tables: await read(["nft", "list", "tables"]),
    links: links.filter((name) => /^egr[0-9a-f]{8}$/.test(name)),
    rules: (await read(["ip", "rule"])).replaceAll(/[\t ]+\n/g, "\n").replaceAll("\t", ""),
    folders: [...(await listFolder("/run")).filter(isOurs), ...remembered],
  };
}

/** `net/ipv4/conf/up0/accept_redirects` and its like, with their values. */
async function readSettings(lab: Lab): Promise<ReadonlyMap<string, string>> {
  const script =
    "cd /proc/sys && grep -sH . net/ipv4/conf/*/* net/ipv4/ip_forward net/ipv6/conf/*/forwarding";
  const { stdout } = await execIn(lab.sandbox, ["sh", "-c", script]);
  const lines = stdout.split("\n").filter(Boolean);
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}

function findInsiders(run: number): readonly number[] {
  const home = namespaceOf(run);
  return descendants(run).filter((pid) => ![home, undefined].includes(namespaceOf(pid)));
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined; // it has just ended
  }
}

function descendants(pid: number): readonly number[] {
  const children = readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" "))
    .filter(Boolean)
    .map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

async function listFolder(path: string): Promise<readonly string[]> {
  return readdir(path).catch(() => []);
}
