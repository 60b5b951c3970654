/**
 * The processes that a process has started, as /proc shows them: all of them end, stop and go on together.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Those that any of its threads has started. */
export function childrenOf(pid: number): readonly number[] {
  return threadsOf(pid).flatMap((thread) =>
    readText(`/proc/${pid}/task/${thread}/children`).split(" ").filter(Boolean).map(Number),
  );
}

export function descendantsOf(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Stops all below `root`, also what is started meanwhile; gives back those that were not stopped before. */
export function stopBelow(root: number | undefined): readonly number[] {
  const stopped = new Set<number>();
  if (root === undefined) return [];
  for (;;) {
    const running = descendantsOf(root).filter((pid) => !stopped.has(pid) && !isStopped(pid));
    if (running.length === 0) return [...stopped];
    for (const pid of running) {
      deliver(pid, "SIGSTOP");
      stopped.add(pid);
    }
  }
}

/** Nothing if it has ended meanwhile. */
export function deliver(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    return; // it ended meanwhile
  }
}

export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

/** Of proc_pid_stat(5): stopped, or no longer able to run. */
function isStopped(pid: number): boolean {
  const stat = readText(`/proc/${pid}/stat`);
  return /^[TtZX]?$/.test(stat.charAt(stat.lastIndexOf(")") + 2));
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}
