/** What this process may do beyond other users: capabilities(7), by number. */
import { readFileSync } from "node:fs";
import { createArena } from "./arena.ts";
import { mustCall } from "./libc.ts";

export const Capability = {
  chown: 0,
  dacOverride: 1,
  fowner: 3,
  fsetid: 4,
  kill: 5,
  setgid: 6,
  setuid: 7,
  setpcap: 8,
  netBindService: 10,
  netAdmin: 12,
  netRaw: 13,
  sysModule: 16,
  sysChroot: 18,
  sysAdmin: 21,
  mknod: 27,
  auditWrite: 29,
  setfcap: 31,
  bpf: 39,
} as const;

export interface Capabilities {
  /** In effect for this process. */
  readonly effective: ReadonlySet<number>;
  /** What this process, or a program that it runs, can ever have. */
  readonly bounding: ReadonlySet<number>;
}

export function readCapabilities(status: string = readFileSync("/proc/self/status", "ascii")): Capabilities {
  return { effective: readSet(status, "CapEff"), bounding: readSet(status, "CapBnd") };
}

function readSet(status: string, field: string): ReadonlySet<number> {
  const mask = BigInt(`0x${new RegExp(`^${field}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "0"}`);
  return new Set(Array.from({ length: 64 }, (_, n) => n).filter((n) => ((mask >> BigInt(n)) & 1n) === 1n));
}

const VERSION_3 = 0x2008_0522;

/**
 * Gives up all other capabilities of the calling thread, for good. On Node's main thread those are the ones
 * of our every system call, and of its sockets. Throws SystemCallError.
 */
export function keepCapabilities(kept: ReadonlySet<number>): void {
  // __user_cap_header_struct: version:4 pid:4; then twice __user_cap_data_struct: effective:4 permitted:4
  // inheritable:4.
  const memory = createArena(32);
  memory.words.set([VERSION_3, 0]);
  const { effective } = readCapabilities();
  for (const number of effective) {
    if (!kept.has(number)) continue;
    const at = 2 + 3 * (number >> 5);
    for (const word of [at, at + 1]) memory.words[word] = (memory.words[word] ?? 0) | (1 << (number & 31));
  }
  mustCall("", "capset", memory.address(0), memory.address(8));
}
