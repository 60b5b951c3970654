/**
 * AF_XDP sockets that hold a queue of an interface and do nothing else (linux/if_xdp.h).
 *
 *     xdp_umem_reg   address:8 length:8 chunk:4 headroom:4 flags:4 metadata:4     32 octets
 *     sockaddr_xdp   family:2 flags:2 interface:4 queue:4 shared-umem:4           16 octets
 */
import { SOCK_CLOEXEC, SOCK_RAW } from "./socket-constants.ts";
import { readFileSync } from "node:fs";
import { type Arena, createArena } from "./arena.ts";
import { errnoName } from "./errors.ts";
import { tryCall } from "./libc.ts";
import { closeSocket } from "./socket.ts";

const AF_XDP = 44;
const SOL_XDP = 283;
const XDP_RX_RING = 2;
const XDP_UMEM_REG = 4;
const XDP_FILL_RING = 5;
const XDP_COMPLETION_RING = 6;
const XDP_COPY = 2;
const CHUNK = 4096;
/** The largest page of the machines that this runs on. */
const PAGE = 65_536;
const ADDRESS_AT = 32;
const COUNT_AT = 48;
const OWN_OCTETS = 64;

/** The descriptor, or errno's name and the call that gave it. */
export type QueueHold =
  | { readonly ok: true; readonly fd: number }
  | { readonly ok: false; readonly call: "socket" | "setsockopt" | "bind"; readonly code: string };

let memory: { readonly arena: Arena; readonly page: number } | undefined;

/**
 * Takes the queue for a socket of our own, which nobody else then gets, in copy mode or not (EBUSY). It
 * neither sends nor receives, and holds up nothing: an interface that goes takes the hold along. EINVAL from
 * `bind`: there is no such queue. Costs some 30 us; the kernel keeps 4 KiB in memory for each.
 */
export function holdQueue(interfaceIndex: number, queue: number): QueueHold {
  const { arena, page } = (memory ??= prepareMemory());
  const fd = tryCall("socket", AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) return { ok: false, call: "socket", code: errnoName(-fd) };
  const fail = (call: "setsockopt" | "bind", result: number): QueueHold => {
    closeSocket(fd);
    return { ok: false, call, code: errnoName(-result) };
  };
  const registered = tryCall("setsockopt", fd, SOL_XDP, XDP_UMEM_REG, arena.address(page), 32);
  if (registered < 0) return fail("setsockopt", registered);
  for (const ring of [XDP_FILL_RING, XDP_COMPLETION_RING, XDP_RX_RING]) {
    const made = tryCall("setsockopt", fd, SOL_XDP, ring, arena.address(page + COUNT_AT), 4);
    if (made < 0) return fail("setsockopt", made);
  }
  arena.words.set([AF_XDP | (XDP_COPY << 16), interfaceIndex, queue, 0], (page + ADDRESS_AT) >> 2);
  const bound = tryCall("bind", fd, arena.address(page + ADDRESS_AT), 16);
  return bound < 0 ? fail("bind", bound) : { ok: true, fd };
}

/** Whether the kernel has AF_XDP at all, whatever a seccomp profile says to this process. */
export function hasXdpSockets(
  read: () => string = () => readFileSync("/proc/self/net/protocols", "ascii"),
): boolean {
  const list = read();
  // A container may hide the list, which then says nothing.
  return !/^protocol\s/.test(list) || /^XDP\s/m.test(list);
}

/**
 * One page serves every socket: nothing is ever written to it. The arguments of the calls stand in the same
 * page.
 */
function prepareMemory(): { readonly arena: Arena; readonly page: number } {
  const arena = createArena(2 * PAGE);
  const page = PAGE - (arena.address(0) % PAGE);
  arena.writePointer(page, page);
  arena.words.set([CHUNK, 0, CHUNK, 0, 0, 0], (page >> 2) + 2);
  arena.words[(page + COUNT_AT) >> 2] = 1;
  arena.octets.fill(0, page + OWN_OCTETS, page + CHUNK);
  return { arena, page };
}
