/** What this process may do, and where it is. */
import { readFileSync, readlinkSync } from "node:fs";

const CAP_NET_ADMIN = 12n;
/** Inode numbers that the kernel gives its first namespaces (linux/nsfs.h, proc_ns.h); before Linux 6.18 the network's was the first free one. */
const FIRST_PID_NAMESPACE = "pid:[4026531836]";
const FIRST_NET_NAMESPACES: ReadonlySet<string> = new Set([
  "net:[4026531833]",
  "net:[4026531840]",
  "net:[4026531956]",
  "net:[4026531992]",
]);

/** Whether the process has CAP_NET_ADMIN in effect. */
export function hasNetAdmin(): boolean {
  const status = readFileSync("/proc/self/status", "ascii");
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}

/**
 * Whether this is the machine's own network namespace: that of process 1 where that is the machine's, else by the number
 * that the kernel gives its first one.
 */
export function isHostNetwork(): boolean {
  const own = readlinkSync("/proc/self/ns/net");
  if (FIRST_NET_NAMESPACES.has(own)) return true;
  if (readlinkSync("/proc/self/ns/pid") !== FIRST_PID_NAMESPACE) return false;
  try {
    return readlinkSync("/proc/1/ns/net") === own;
  } catch {
    // Without the right to look at process 1 we are in a namespace of a lesser user, which is not the machine's.
    return false;
  }
}
