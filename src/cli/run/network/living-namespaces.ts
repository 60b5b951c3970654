/**
 * Network namespaces that something on this machine holds: a process in it, or a mount as `ip netns` makes
 * it.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Linux numbers the first process namespace so (PROC_PID_INIT_INO); from it every process is seen. */
const FIRST = "pid:[4026531836]";

/**
 * By inode number. Undefined if not every process is seen. Known limit: what is held by an open file alone
 * is not found.
 */
export function findLivingNamespaces(): ReadonlySet<string> | undefined {
  if (readLink("/proc/self/ns/pid") !== FIRST) return undefined;
  const held = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readLink(`/proc/${pid}/ns/net`));
  const mounted = readFileSync("/proc/self/mountinfo", "latin1");
  return new Set(
    [...held.join("\n").matchAll(NAMESPACE), ...mounted.matchAll(NAMESPACE)].flatMap(
      ([, inode = ""]) => inode,
    ),
  );
}

const NAMESPACE = /\bnet:\[(\d+)\]/g;

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // the process has ended, or is none that may be looked at
  }
}
