/** The small process (sleep(1), about 1 MiB) that keeps sockets open when this one ends, however it ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { fstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { HolderRecord } from "./holders-file.ts";

/**
 * It waits for a word before it stays: a process that is killed before it has written the holder down leaves
 * none behind that nobody knows of.
 */
const SCRIPT = "read -r word && exec sleep infinity </dev/null";

/** In a holder's environment, for who has no record of it. */
const MARK = "EGRESS_QUEUE_HOLDER";

export interface WaitingHolder {
  readonly record: HolderRecord;
  /** Lets it stay; otherwise it ends with this process at the latest. */
  keep(): void;
  end(): void;
}

/** Starts one with these sockets, queue to descriptor. Undefined if it cannot be started. */
export function spawnHolder(
  interfaceIndex: number,
  sockets: ReadonlyMap<number, number>,
): WaitingHolder | undefined {
  const child = spawn("/bin/sh", ["-c", SCRIPT], {
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", [MARK]: "1" },
    detached: true,
    stdio: ["pipe", "ignore", "ignore", ...sockets.values()],
  });
  child.on("error", ignore); // no pid then, and the caller says so
  child.stdin?.on("error", ignore); // it has ended: the next look finds out
  const { pid } = child;
  const startTime = pid === undefined ? undefined : readStartTime(pid);
  if (pid === undefined || startTime === undefined) return undefined;
  child.unref();
  return {
    record: {
      pid,
      startTime,
      interfaceIndex,
      queues: [...sockets.keys()],
      inodes: Array.from(sockets.values(), (fd) => fstatSync(fd).ino),
    },
    keep: () => keep(child),
    end: () => void child.kill("SIGKILL"),
  };
}

/** Whether that very process is there, in this network namespace, with those sockets open. */
export function isHolding({ pid, startTime, inodes }: HolderRecord): boolean {
  if (readStartTime(pid) !== startTime) return false;
  try {
    if (readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net")) return false;
    const open = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)));
    return inodes.every((inode) => open.has(`socket:[${inode}]`));
  } catch {
    return false; // it has just ended, or is none that we may look into
  }
}

/** Every holder in this network namespace, of whatever process, noted in whatever place. */
export function findHolders(): readonly Pick<HolderRecord, "pid" | "startTime">[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    const startTime = Number.isInteger(pid) && isMarked(pid) ? readStartTime(pid) : undefined;
    return startTime === undefined ? [] : [{ pid, startTime }];
  });
}

function isMarked(pid: number): boolean {
  try {
    if (readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net")) return false;
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(`${MARK}=1`);
  } catch {
    return false; // it has just ended, or is none that we may look into
  }
}

/** Ends it, if it is there. */
export function endHolder({ pid, startTime }: Pick<HolderRecord, "pid" | "startTime">): void {
  if (readStartTime(pid) !== startTime) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    ignore(error); // it ended in between
  }
}

/**
 * When the process was started, in the kernel's ticks; undefined if there is none but a dead one of that
 * number.
 */
export function readStartTime(pid: number): string | undefined {
  try {
    // The name in parentheses may hold anything; the state is the first field behind it, field 3.
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[0] === "Z" ? undefined : fields[22 - 3];
  } catch {
    return undefined;
  }
}

function keep({ stdin }: ChildProcess): void {
  stdin?.end("stay\n");
}

function ignore(_error: unknown): void {
  // each caller says what becomes of it
}
