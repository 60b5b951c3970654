/** What this process may do, and where it is. */
import { readlinkSync } from "node:fs";
import { Capability, readCapabilities } from "./capabilities.ts";
import { EINVAL, tryCall } from "./libc.ts";

/**
 * Inode numbers that the kernel gives its first namespaces (linux/nsfs.h, proc_ns.h); before Linux 6.18 the
 * network's was the first free one.
 */
const FIRST_PID_NAMESPACE = "pid:[4026531836]";
const FIRST_NET_NAMESPACES: ReadonlySet<string> = new Set([
  "net:[4026531833]",
  "net:[4026531840]",
  "net:[4026531956]",
  "net:[4026531992]",
]);

/** Whether the process has CAP_NET_ADMIN in effect. */
export function hasNetAdmin(): boolean {
  return readCapabilities().effective.has(Capability.netAdmin);
}

/**
 * Whether this is the machine's own network namespace: that of process 1 if process 1 is the machine's,
 * otherwise the one with the kernel's first number.
 */
export function isHostNetwork(): boolean {
  const own = readlinkSync("/proc/self/ns/net");
  if (FIRST_NET_NAMESPACES.has(own)) return true;
  if (readlinkSync("/proc/self/ns/pid") !== FIRST_PID_NAMESPACE) return false;
  try {
    return readlinkSync("/proc/1/ns/net") === own;
  } catch {
    // Without the right to look at process 1 we are in a namespace of a lesser user, which is not the
    // machine's.
    return false;
  }
}

const CLONE_NEWUSER = 0x1000_0000;

/**
 * Whether unshare(2) may make user namespaces, as far as a seccomp profile says. Nothing is made: a process
 * with threads, as Node's is, is refused (EINVAL) once the profile has let the call pass.
 */
export function mayUnshareUsers(): boolean {
  return tryCall("unshare", CLONE_NEWUSER) === -EINVAL;
}
