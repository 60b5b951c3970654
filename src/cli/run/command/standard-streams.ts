/**
 * What the standard streams of `egress run` are, and which of them its command may have.
 *
 * A descriptor is not held by what its holder is: a socket stays in the network namespace that it was made
 * in, a tun device or a namespace's file in its own, and a path (O_PATH) leads where the run's mounts hide.
 * So the command has files, pipes and the devices that lead nowhere. It gets a terminal of its own, and a
 * pair of sockets of its own in place of a connected stream. Everything else is refused.
 */
import { fstatSync, readFileSync, type Stats, statfsSync } from "node:fs";
import { isatty } from "node:tty";
import { isConnectedStream } from "../../../sys/stream-socket.ts";

/** What a standard stream is for the command: see above. */
export type StandardStream =
  | { readonly kind: "closed" | "as-it-is" | "terminal" }
  /** Two with the same `inode` are one socket. */
  | { readonly kind: "socket"; readonly inode: number }
  | { readonly kind: "refused"; readonly message: string };

/** Throws SystemCallError, Node's errors. */
export function lookAtStream(fd: number): StandardStream {
  const found = statOf(fd);
  if (found === undefined) return { kind: "closed" };
  if (found.isDirectory())
    return refused("is a folder, which leads out of the confinement; give a file, a pipe or /dev/null");
  if (isPathOnly(fd))
    return refused("is a path (O_PATH), which leads out of the confinement; open it for reading or writing");
  if (isatty(fd)) return { kind: "terminal" };
  if (found.isSocket()) return lookAtSocket(fd, found);
  if (found.isFIFO() || isHarmlessDevice(found)) return { kind: "as-it-is" };
  if (found.isFile() && !KERNELS_OWN.has(statfsSync(`/proc/self/fd/${fd}`).type)) return { kind: "as-it-is" };
  return refused(
    "is a device or a file of the kernel's own, which the run cannot hold; give a pipe from or to it, as by `cat`",
  );
}

function lookAtSocket(fd: number, { ino }: Stats): StandardStream {
  if (isConnectedStream(fd)) return { kind: "socket", inode: ino };
  return refused(
    "is a socket that reaches more than one peer, past the policy; only connected TCP and unix stream sockets can be relayed",
  );
}

function refused(message: string): StandardStream {
  return { kind: "refused", message };
}

function statOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    return undefined; // closed, and the command gets none either
  }
}

/** Of open(2), the same number on x86-64 and arm64; Node has no name for it. */
const O_PATH = 0o10000000;

function isPathOnly(fd: number): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & O_PATH) !== 0;
}

/** `null`, `zero`, `full`, `random` and `urandom`, by their minor numbers (admin-guide/devices.txt). */
const MEMORY_MAJOR = 1;
const HARMLESS_MINORS: ReadonlySet<number> = new Set([3, 5, 7, 8, 9]);

function isHarmlessDevice(found: Stats): boolean {
  const [major, minor] = [found.rdev >>> 8, found.rdev & 0xff];
  return found.isCharacterDevice() && major === MEMORY_MAJOR && HARMLESS_MINORS.has(minor);
}

/**
 * File systems (linux/magic.h) whose files are the kernel's settings, or handles of namespaces, processes and
 * the like. A stream that is open for reading can be opened anew for writing by root, whatever is mounted
 * over its path.
 */
const KERNELS_OWN: ReadonlySet<number> = new Set([
  0x0000_9fa0, // proc
  0x6265_6572, // sysfs
  0x6265_6570, // configfs
  0x6462_6720, // debugfs
  0x7472_6163, // tracefs
  0x7363_6673, // securityfs
  0xf97c_ff8c, // selinuxfs
  0xde5e_81e4, // efivarfs
  0x0027_e0eb, // cgroup
  0x6367_7270, // cgroup2
  0x0765_5821, // resctrl
  0x4249_4e4d, // binfmt_misc
  0xcafe_4a11, // bpf
  0x6e73_6673, // namespaces
  0x5049_4446, // pidfds, since Linux 6.9
  0x0904_1934, // anonymous inodes: io_uring, epoll, fanotify and the like
]);
