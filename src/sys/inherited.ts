/** Descriptors, besides the standard streams, that were open in the program which started this process. */
import { readdirSync } from "node:fs";
import { mustCall, tryCall } from "./libc.ts";

/** The same number on x86-64 and arm64. */
const SYS_CLOSE_RANGE = 436;
const CLOSE_RANGE_CLOEXEC = 4;
const LAST = 0xffff_ffff;
const F_SETFD = 2;
const FD_CLOEXEC = 1;

/**
 * Keeps every descriptor from 3 up from the programs that this process starts; Node itself does so for 3 to
 * 15 alone. A folder among them would lead out of a confinement. A lock would be held for as long as a holder
 * of queues lives.
 */
export function keepFromChildren(): void {
  if (tryCall("syscall", SYS_CLOSE_RANGE, 3, LAST, CLOSE_RANGE_CLOEXEC) === 0) return;
  // Before Linux 5.11, one by one; the one that reads the folder is gone by then.
  for (const fd of readdirSync("/proc/self/fd").map(Number)) {
    if (fd > 2) tryCall("fcntl", fd, F_SETFD, FD_CLOEXEC);
  }
}

/**
 * A program that replaces this one (execve(2)) has this descriptor as well; so has each that is started from
 * now on. Throws SystemCallError.
 */
export function keepOverExec(fd: number): void {
  mustCall("a descriptor", "fcntl", fd, F_SETFD, 0);
}
