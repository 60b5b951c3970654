/**
 * Names of sockets that are in no file system (unix(7), "abstract"): the kernel gives one to a single holder
 * in a network namespace, and takes it back when he ends, however that comes about. Who has it is no matter
 * of process ids, which mean nothing in another process namespace.
 */
import { readFileSync } from "node:fs";
import { createArena } from "./arena.ts";
import { SystemCallError } from "./errors.ts";
import { mustCall, tryCall } from "./libc.ts";
import { SOCK_STREAM } from "./socket.ts";
import { SOCK_CLOEXEC } from "./socket-constants.ts";

export const AF_UNIX = 1;
const EADDRINUSE = 98;
/** Octets of sockaddr_un: family:2 path:108. */
const ADDRESS = 110;

/**
 * Holds the name in the current network namespace until disposed; undefined if somebody else has it. Throws
 * SystemCallError.
 */
export function claimName(name: string): Disposable | undefined {
  const path = Buffer.from(`\0${name}`);
  if (path.length > ADDRESS - 2) throw new RangeError(`a name of ${path.length} octets`);
  const address = createArena(ADDRESS + 2);
  address.octets.writeUInt16LE(AF_UNIX, 0);
  path.copy(address.octets, 2);
  const fd = mustCall("AF_UNIX", "socket", AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bound = tryCall("bind", fd, address.address(0), 2 + path.length);
  if (bound === 0) return { [Symbol.dispose]: () => void tryCall("close", fd) };
  tryCall("close", fd);
  if (bound === -EADDRINUSE) return undefined;
  throw new SystemCallError("bind", -bound, name);
}

/**
 * Every held name of the current network namespace that begins so; undefined if the kernel does not tell.
 */
export function heldNames(beginning: string): readonly string[] | undefined {
  try {
    const lines = readFileSync("/proc/net/unix", "latin1").split("\n");
    return lines.flatMap((line) => {
      const at = line.indexOf(` @${beginning}`);
      return at === -1 ? [] : [line.slice(at + 2)];
    });
  } catch {
    return undefined; // without a whole /proc
  }
}
