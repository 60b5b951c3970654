/**
 * Whether others may see this process's memory: the kernel's flag for core dumps and /proc (prctl(2),
 * PR_SET_DUMPABLE).
 */
import { mustCall } from "./libc.ts";

const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;

/** False too where only root gets its core dumps. */
export function isDumpable(): boolean {
  return mustCall("PR_GET_DUMPABLE", "prctl", PR_GET_DUMPABLE, 0, 0, 0, 0) === 1;
}

/**
 * If false, no core dump holds this process's memory from here on. `/proc/PID/mem` and its like are closed to
 * everyone without CAP_SYS_PTRACE over it. Programs that it starts are as ever.
 */
export function setDumpable(may: boolean): void {
  mustCall("PR_SET_DUMPABLE", "prctl", PR_SET_DUMPABLE, may ? 1 : 0, 0, 0, 0);
}
