import { closeSync, writeSync } from "node:fs";
import { createArena } from "./arena.ts";
import { mustCall } from "./libc.ts";

const MFD_CLOEXEC = 1;

/**
 * A file that is nowhere but in memory, closed on exec: what is in it can be another program's standard
 * input, there at once.
 */
export interface MemoryFile extends Disposable {
  readonly fd: number;
  /** In octets. */
  size(): number;
  append(data: string | Uint8Array): void;
}

/** Makes an empty one. Throws SystemCallError. */
export function createMemoryFile(name: string): MemoryFile {
  const label = createArena(name.length + 1);
  label.octets.write(name, "latin1");
  const fd = mustCall(name, "memfd_create", label.address(0), MFD_CLOEXEC);
  let size = 0;
  return {
    fd,
    size() {
      return size;
    },
    append(data) {
      const octets = typeof data === "string" ? Buffer.from(data) : data;
      // Written by place, so that the file's own place, which the reader shares, stays at the start.
      for (let at = 0; at < octets.length;) at += writeSync(fd, octets, at, octets.length - at, size + at);
      size += octets.length;
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}
