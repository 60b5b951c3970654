/**
 * Socket addresses as the kernel writes them.
 *
 *     sockaddr_in   family:2 (host order) port:2 (network order) address:4 zero:8             16 octets
 *     sockaddr_in6  family:2 (host order) port:2 (network order) flow:4 address:16 scope:4    28 octets
 */
import ipaddr from "ipaddr.js";
import { interfaceIndex } from "./interface-index.ts";

export const AF_INET = 2;
export const AF_INET6 = 10;
/** Room for either kind, and a multiple of 8. */
export const SOCKET_ADDRESS_SIZE = 32;

export interface Endpoint {
  /**
   * A literal address, IPv4 or IPv6; a link-local one with its interface, as in `fe80::1%eth0` (RFC 4007
   * section 11).
   */
  readonly address: string;
  readonly port: number;
}

export function addressFamily(address: string): typeof AF_INET | typeof AF_INET6 {
  return ipaddr.parse(address).kind() === "ipv4" ? AF_INET : AF_INET6;
}

/**
 * The endpoint's octets: 16 or 28 of them. Throws on a text that is no address, and SystemCallError (ENODEV)
 * for an interface that is not there.
 */
export function encodeSocketAddress({ address, port }: Endpoint): Uint8Array {
  const parsed = ipaddr.parse(address);
  const isV4 = parsed.kind() === "ipv4";
  const octets = new Uint8Array(isV4 ? 16 : 28);
  const view = new DataView(octets.buffer);
  view.setUint16(0, isV4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  octets.set(parsed.toByteArray(), isV4 ? 4 : 8);
  if (parsed instanceof ipaddr.IPv6 && parsed.zoneId) view.setUint32(24, scopeOf(parsed.zoneId), true);
  return octets;
}

/** An interface's name, or its number. */
function scopeOf(zone: string): number {
  return /^\d+$/.test(zone) ? Number(zone) : interfaceIndex(zone);
}

/** The port of an encoded socket address at `offset`. */
export function readPort(octets: Uint8Array, offset: number): number {
  return ((octets[offset + 2] ?? 0) << 8) | (octets[offset + 3] ?? 0);
}
