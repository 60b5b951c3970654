/**
 * podman with runc, as a container engine that leaves the machine alone: its images, containers and locks are
 * in one folder of ours, removed with it, and no network of its own is ever made (networks are `host`, `ns:`
 * and `container:` only).
 *
 * Known limits, next to Docker: no bridge, so no published port and no address translation (the lab's
 * internet talks to the sidecar's address directly); the network namespace outlives the sidecar's container,
 * as in Kubernetes; cgroups by podman's cgroupfs manager, since systemd need not run; podman's seccomp
 * profile, which is nearly Docker's.
 */
import { rmSync, statfsSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Argv, type CommandOptions, type CommandResult } from "../../src/netns/command.ts";
import { requireCommand, runCommand } from "../../src/netns/command.ts";
import { isAlive } from "../../src/netns/namespace.ts";

/** `podman ARGS` on the storage of one folder. */
export interface Engine {
  readonly folder: string;
  /** The command line of `podman ARGS`, for whoever starts it elsewhere. */
  argv(args: readonly string[]): Argv;
  /** To its end; a failure is a result. */
  run(args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** To its end; throws when it fails, else gives what it printed, trimmed. */
  require(args: readonly string[], options?: CommandOptions): Promise<string>;
}

export interface OwnedEngine extends Engine, AsyncDisposable {}

/** Not under /tmp, which may be in memory: a base image, a build and their layers take some 2 GiB. */
const PLACE = "/var/tmp";
const NAME_PATTERN = /^egress-image-(\d+)-/;
const OVERLAY_MAGIC = 0x794c_7630;

/**
 * Every command that starts a process in a container needs these where the machine's own limits are lower
 * than podman's.
 */
export const LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"] as const;

/**
 * The start of every build: on the machine's network, from what is in the engine, one layer, with the format
 * that has health checks.
 */
export const BUILD = [
  "build",
  ...LIMITS,
  "--network=host",
  "--pull=never",
  "--layers=false",
  "--format=docker",
] as const;

/**
 * An engine with nothing in it. Disposing ends its containers and removes all of it; also sweeps what dead
 * processes left.
 */
export async function createEngine(): Promise<OwnedEngine> {
  await sweepEngines();
  const folder = await mkdtemp(join(PLACE, `egress-image-${process.pid}-`));
  const removeAtExit = (): void => {
    const [program, ...args] = removeAllArgv(folder);
    spawnSync(program, args);
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", removeAtExit);
  return {
    ...openEngine(folder),
    async [Symbol.asyncDispose]() {
      await removeEngine(folder);
      process.off("exit", removeAtExit);
    },
  };
}

/** The engine of a folder that another process made. */
export function openEngine(folder: string): Engine {
  // podman would ask systemd to run each health check at its interval; here they are run by hand.
  const env = { ...process.env, DISABLE_HC_SYSTEMD: "true", TMPDIR: folder };
  const argv = (args: readonly string[]): Argv => ["podman", ...flags(folder), ...args];
  return {
    folder,
    argv,
    run: (args, options) => runCommand(argv(args), { env, ...options }),
    require: async (args, options) => (await requireCommand(argv(args), { env, ...options })).trim(),
  };
}

/**
 * In an empty network namespace: whatever podman takes back of a container's network, it is not in the
 * machine's own.
 */
function removeAllArgv(folder: string): Argv {
  return ["unshare", "--net", "podman", ...flags(folder), "rm", "--all", "--force", "--time", "0"];
}

function flags(folder: string): readonly string[] {
  return [
    `--root=${folder}/root`,
    `--runroot=${folder}/run`,
    `--tmpdir=${folder}/tmp`,
    `--network-config-dir=${folder}/networks`,
    `--storage-driver=${canOverlay() ? "overlay" : "vfs"}`,
    "--runtime=runc",
    "--cgroup-manager=cgroupfs",
    "--events-backend=file",
  ];
}

/**
 * An overlay cannot be laid over an overlay, which is what the root of a container often is; whole copies
 * always work.
 */
function canOverlay(): boolean {
  return statfsSync(PLACE).type !== OVERLAY_MAGIC;
}

async function sweepEngines(): Promise<void> {
  for (const name of await readdir(PLACE)) {
    const pid = NAME_PATTERN.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    // A build that outlived its process is in the way until it ends: then this is left to the next run.
    await removeEngine(join(PLACE, name)).catch(() => undefined);
  }
}

async function removeEngine(folder: string): Promise<void> {
  await runCommand(removeAllArgv(folder), { env: { ...process.env, TMPDIR: folder } });
  for (const point of await mountsBelow(folder)) await runCommand(["umount", "--lazy", point]);
  await rm(folder, { recursive: true, force: true });
}

/** Innermost first. */
async function mountsBelow(folder: string): Promise<readonly string[]> {
  const mounts = await readFile("/proc/self/mounts", "utf8");
  const points = mounts.split("\n").map((line) => line.split(" ")[1] ?? "");
  return points.filter((point) => point.startsWith(`${folder}/`)).reverse();
}
