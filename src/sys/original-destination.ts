/**
 * Where a connection went before the kernel redirected it to us.
 *
 * Source: linux/netfilter_ipv4.h (SO_ORIGINAL_DST), linux/netfilter_ipv6/ip6_tables.h (IP6T_SO_ORIGINAL_DST).
 */
import { createArena } from "./arena.ts";
import { tryCall } from "./libc.ts";
import { AF_INET, AF_INET6, readPort } from "./socket-address.ts";
import { IPPROTO_IPV6 } from "./socket-constants.ts";

export interface Destination {
  /** 4 or 16 of them. */
  readonly octets: Uint8Array;
  readonly port: number;
}

const IPPROTO_IP = 0;
const SO_ORIGINAL_DST = 80;
const ROOM = 32;

/**
 * Asks conntrack about an accepted connection; undefined if it knows none. Of a connection that was not
 * redirected it is our own address: who calls has to compare.
 */
export function originalDestination(fd: number): Destination | undefined {
  return ask(fd, IPPROTO_IP) ?? ask(fd, IPPROTO_IPV6);
}

function ask(fd: number, level: number): Destination | undefined {
  const scratch = createArena(ROOM + 8);
  scratch.words[ROOM / 4] = ROOM;
  const result = tryCall("getsockopt", fd, level, SO_ORIGINAL_DST, scratch.address(0), scratch.address(ROOM));
  if (result < 0) return undefined;
  const { octets } = scratch;
  const family = (octets[0] ?? 0) | ((octets[1] ?? 0) << 8);
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const address = family === AF_INET ? octets.subarray(4, 8) : octets.subarray(8, 24);
  return { octets: Uint8Array.from(address), port: readPort(octets, 0) };
}
