/** Sockets that somebody else has opened, and pairs of our own to put in their place. */
import { AF_UNIX } from "./abstract-name.ts";
import { createArena } from "./arena.ts";
import { mustCall, tryCall } from "./libc.ts";
import { SOCK_STREAM } from "./socket.ts";
import { AF_INET, AF_INET6 } from "./socket-address.ts";
import { SOCK_CLOEXEC, SOL_SOCKET } from "./socket-constants.ts";

const SO_TYPE = 3;
const SO_DOMAIN = 39;
/** Those whose streams Node reads and writes. */
const FAMILIES: ReadonlySet<number> = new Set([AF_UNIX, AF_INET, AF_INET6]);

/** Whether it is a stream of TCP or unix sockets with a peer, which also says that it does not listen. */
export function isConnectedStream(fd: number): boolean {
  if (readOption(fd, SO_TYPE) !== SOCK_STREAM || !FAMILIES.has(readOption(fd, SO_DOMAIN))) return false;
  const scratch = createArena(136);
  scratch.words[32] = 128;
  return tryCall("getpeername", fd, scratch.address(0), scratch.address(128)) === 0;
}

function readOption(fd: number, name: number): number {
  const scratch = createArena(8);
  scratch.words[1] = 4;
  mustCall(`option ${name}`, "getsockopt", fd, SOL_SOCKET, name, scratch.address(0), scratch.address(4));
  return scratch.words[0] ?? 0;
}

/**
 * Two unix stream sockets that are joined for good: neither can be connected elsewhere. They belong to the
 * current network namespace, and no program that is started gets them, unless told. Throws SystemCallError.
 */
export function openSocketPair(): readonly [number, number] {
  const ends = createArena(8);
  mustCall("a pair", "socketpair", AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.address(0));
  return [ends.words[0] ?? -1, ends.words[1] ?? -1];
}
