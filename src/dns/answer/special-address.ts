/**
 * Addresses that no answer from outside has a reason to give (rebinding), from the IANA special-purpose
 * registries (RFC 6890 and updates). A policy that wants one of them names it in an address rule.
 */
import { findWrappedV4 } from "../../policy/wrapped-v4.ts";

/**
 * Loopback, link-local, site-local, multicast, unspecified, reserved; IPv4-mapped; and what wraps one of
 * those that IPv4 has.
 */
export function isSpecialAddress(octets: Uint8Array, at: number, length: 4 | 16): boolean {
  if (length === 4) return isSpecialV4(octets, at);
  const first = octets[at] ?? 0;
  if (first === 0xff) return true; // multicast
  if (first === 0xfe) return ((octets[at + 1] ?? 0) & 0x80) !== 0; // link-local, site-local
  const wrapped = findWrappedV4(octets, at);
  return wrapped >= 0 ? isSpecialV4(octets, wrapped) : isFromZero(octets, at);
}

/** RFC 1918, RFC 4193 and RFC 6598 (shared), and what wraps one of those that IPv4 has. */
export function isPrivateAddress(octets: Uint8Array, at: number, length: 4 | 16): boolean {
  if (length === 4) return isPrivateV4(octets, at);
  if (((octets[at] ?? 0) & 0xfe) === 0xfc) return true;
  const wrapped = findWrappedV4(octets, at);
  return wrapped >= 0 && isPrivateV4(octets, wrapped);
}

function isSpecialV4(octets: Uint8Array, at: number): boolean {
  const first = octets[at] ?? 0;
  return first === 0 || first === 127 || first >= 224 || (first === 169 && octets[at + 1] === 254);
}

function isPrivateV4(octets: Uint8Array, at: number): boolean {
  const first = octets[at] ?? 0;
  const second = octets[at + 1] ?? 0;
  if (first === 10) return true;
  if (first === 172) return second >= 16 && second < 32;
  if (first === 192) return second === 168;
  return first === 100 && second >= 64 && second < 128;
}

/**
 * ::/96 (unspecified, loopback, the old IPv4-compatible form), ::ffff:0:0/96 (IPv4-mapped), ::ffff:0:0:0/96
 * (IPv4-translated).
 */
function isFromZero(octets: Uint8Array, at: number): boolean {
  if (!isZero(octets, at, 8)) return false;
  const fifth = ((octets[at + 8] ?? 0) << 8) | (octets[at + 9] ?? 0);
  const sixth = ((octets[at + 10] ?? 0) << 8) | (octets[at + 11] ?? 0);
  return (fifth === 0 && (sixth === 0 || sixth === 0xffff)) || (fifth === 0xffff && sixth === 0);
}

function isZero(octets: Uint8Array, at: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (octets[at + i] !== 0) return false;
  return true;
}
