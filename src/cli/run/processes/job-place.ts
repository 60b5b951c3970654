/** Where our own process group stands among the shell's jobs (credentials(7), setpgid(2)). */
import { readText } from "./process-tree.ts";

interface Standing {
  readonly parent: number;
  readonly group: number;
  readonly session: number;
}

/**
 * Whether somebody can continue us once we are stopped: a parent outside our process group, in the same
 * session. If nobody can, the kernel ignores the stop signals of the terminal, and so do we.
 */
export function canBeStopped(): boolean {
  const own = standingOf(process.pid);
  for (let at = own; at !== undefined; at = standingOf(at.parent)) {
    const parent = standingOf(at.parent);
    if (own === undefined || parent === undefined || parent.session !== own.session) return false;
    if (parent.group !== own.group) return true;
  }
  return false;
}

/** Of proc_pid_stat(5). */
function standingOf(pid: number): Standing | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === "") return undefined;
  const [, parent, group, session] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  if (parent === undefined || group === undefined || session === undefined) return undefined;
  return { parent, group, session };
}
