/**
 * Named network namespaces (ip-netns(8)) that belong to this process. The name holds the process id and its
 * namespace, so that `sweepNamespaces` can tell what a process that died has left behind. Not here: rules,
 * routing policy, anything that outlives the process.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rmSync, statSync } from "node:fs";
import { mkdir, rm, rmdir, writeFile } from "node:fs/promises";
import { type Argv, type CommandOptions, type CommandResult } from "./command.ts";
import { requireCommand, runCommand, startCommand, type RunningCommand } from "./command.ts";

/** A place for commands to run in: a named namespace, or the one that this process is in. */
export interface NetworkNamespace {
  readonly name: string | undefined;
}

/** A namespace that we made. Disposing ends every process in it and removes it with its links and files. */
export interface OwnedNamespace extends NetworkNamespace, AsyncDisposable {
  readonly name: string;
}

/** The namespace that this process is in. */
export const HERE: NetworkNamespace = { name: undefined };

const NAME_PREFIX = "egress-ns";
const NAME_PATTERN = /^egress-ns-(\d+)-(\d+)-/;

/** Makes a namespace with `lo` up. `label` is for people reading `ip netns`. */
export async function createNamespace(label: string): Promise<OwnedNamespace> {
  const name = `${NAME_PREFIX}-${process.pid}-${pidNamespace()}-${randomBytes(3).toString("hex")}-${label}`;
  await requireCommand(["ip", "netns", "add", name]);
  const removeAtExit = (): void => {
    endProcesses(spawnSync("ip", ["netns", "pids", name], { encoding: "utf8" }).stdout);
    spawnSync("ip", ["netns", "delete", name]);
    rmSync(`/etc/netns/${name}`, { recursive: true, force: true });
  };
  process.once("exit", removeAtExit);
  const namespace: OwnedNamespace = {
    name,
    async [Symbol.asyncDispose]() {
      await removeNamespace(name);
      process.off("exit", removeAtExit);
    },
  };
  try {
    await quietIpv6(namespace);
    await configure(namespace, ["link set lo up"]);
    return namespace;
  } catch (error) {
    await namespace[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Runs `ip` subcommands in the namespace, in order, in one process; throws `ToolError` at the first that
 * fails.
 */
export async function configure(namespace: NetworkNamespace, lines: readonly string[]): Promise<void> {
  const inside = namespace.name === undefined ? [] : ["-n", namespace.name];
  await requireCommand(["ip", ...inside, "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

/** Runs a command in the namespace to its end. */
export async function execIn(
  namespace: NetworkNamespace,
  argv: Argv,
  options?: CommandOptions,
): Promise<CommandResult> {
  return runCommand(argvIn(namespace, argv), options);
}

/**
 * Starts a command in the namespace; the process id is the command's own, `ip netns exec` leaves nothing in
 * between.
 */
export function spawnIn(namespace: NetworkNamespace, argv: Argv, options?: CommandOptions): RunningCommand {
  return startCommand(argvIn(namespace, argv), options);
}

/** The command line that runs `argv` in the namespace. */
export function argvIn(namespace: NetworkNamespace, argv: Argv): Argv {
  return namespace.name === undefined ? argv : ["ip", "netns", "exec", namespace.name, ...argv];
}

/** Sets a kernel setting, as in `net.ipv4.ip_forward`. */
export async function writeSysctl(
  namespace: NetworkNamespace,
  setting: string,
  value: string,
): Promise<void> {
  const path = `/proc/sys/${setting.replaceAll(".", "/")}`;
  await requireCommand(argvIn(namespace, ["sh", "-c", 'printf %s "$2" >"$1"', "sh", path, value]));
}

/** The value of a kernel setting, `undefined` if the kernel has none of that name. */
export async function readSysctl(namespace: NetworkNamespace, setting: string): Promise<string | undefined> {
  const path = `/proc/sys/${setting.replaceAll(".", "/")}`;
  const result = await runCommand(argvIn(namespace, ["cat", path]));
  return result.exitCode === 0 ? result.stdout.trim() : undefined;
}

/** Whether IPv6 can be used in the namespace at all. */
export async function hasIpv6(namespace: NetworkNamespace): Promise<boolean> {
  return (await readSysctl(namespace, "net.ipv6.conf.all.disable_ipv6")) === "0";
}

/**
 * Gives commands run in the namespace an `/etc/resolv.conf` of their own (`ip netns exec` binds it over the
 * machine's). Disposing removes it.
 */
export async function writeResolvConf(namespace: OwnedNamespace, text: string): Promise<AsyncDisposable> {
  const folder = `/etc/netns/${namespace.name}`;
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/resolv.conf`, text);
  return { [Symbol.asyncDispose]: () => removeConfig(namespace.name) };
}

/** Removes namespaces whose process is gone; gives back their names. */
export async function sweepNamespaces(): Promise<readonly string[]> {
  const listed = await requireCommand(["ip", "netns", "list"]);
  const names = listed.split("\n").map((line) => line.split(" ")[0] ?? "");
  const dead = names.filter((name) => {
    const [, pid, namespace] = NAME_PATTERN.exec(name) ?? [];
    // What a process id of another namespace stands for cannot be told: it may be alive.
    return pid !== undefined && namespace === pidNamespace() && !isAlive(Number(pid));
  });
  for (const name of dead) await removeNamespace(name);
  return dead;
}

/** Whether a process of that id is there, no matter whose it is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function pidNamespace(): string {
  return String(statSync("/proc/self/ns/pid").ino);
}

async function removeNamespace(name: string): Promise<void> {
  const pids = await runCommand(["ip", "netns", "pids", name], { ownSession: true });
  endProcesses(pids.stdout);
  await removeConfig(name);
  await runCommand(["ip", "netns", "delete", name], { ownSession: true });
}

async function removeConfig(name: string): Promise<void> {
  await rm(`/etc/netns/${name}`, { recursive: true, force: true });
  // The folder itself goes with its last entry; it is not ours alone.
  await rmdir("/etc/netns").catch(ignore);
}

/** `pids`: one a line. */
function endProcesses(pids: string): void {
  for (const pid of pids.split("\n").filter(Boolean)) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch (error) {
      ignore(error); // it ended by itself meanwhile
    }
  }
}

/**
 * Addresses at once, without duplicate detection, and no router solicitations: the links here have one known
 * far end.
 */
async function quietIpv6(namespace: NetworkNamespace): Promise<void> {
  const script = `[ -d /proc/sys/net/ipv6 ] || exit 0
for scope in all default; do
  echo 0 >/proc/sys/net/ipv6/conf/$scope/accept_dad
  echo 0 >/proc/sys/net/ipv6/conf/$scope/accept_ra
  echo 0 >/proc/sys/net/ipv6/conf/$scope/router_solicitations
done`;
  await requireCommand(argvIn(namespace, ["sh", "-c", script]));
}

function ignore(_error: unknown): void {
  // what is not there needs no removing
}
