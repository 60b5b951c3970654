/**
 * Addresses that no answer from outside has a reason to give (rebinding), from the IANA special-purpose registries
 * (RFC 6890 and updates). A policy that wants one of them names it in an address rule.
 */

/** Octets 0 to 11 of 64:ff9b::/96 (RFC 6052), which wraps an IPv4 address. */
const NAT64 = Uint8Array.of(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0);

/** Loopback, link-local, multicast, unspecified, reserved; IPv4-mapped; and the NAT64 form of those that IPv4 has. */
export function isSpecialAddress(octets: Uint8Array, at: number, length: 4 | 16): boolean {
  if (length === 4) return isSpecialV4(octets, at);
  const first = octets[at] ?? 0;
  if (first === 0xff) return true; // multicast
  if (first === 0xfe && ((octets[at + 1] ?? 0) & 0xc0) === 0x80) return true; // link-local
  if (startsWith(octets, at, NAT64)) return isSpecialV4(octets, at + 12);
  // ::/96 (unspecified, loopback, the old IPv4-compatible form) and ::ffff:0:0/96 (IPv4-mapped)
  return (
    isZero(octets, at, 10) &&
    octets[at + 10] === octets[at + 11] &&
    (octets[at + 10] === 0 || octets[at + 10] === 0xff)
  );
}

/** RFC 1918, RFC 4193 and RFC 6598 (shared), and the NAT64 form of those that IPv4 has. */
export function isPrivateAddress(octets: Uint8Array, at: number, length: 4 | 16): boolean {
  if (length === 4) return isPrivateV4(octets, at);
  if (((octets[at] ?? 0) & 0xfe) === 0xfc) return true;
  return startsWith(octets, at, NAT64) && isPrivateV4(octets, at + 12);
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

function startsWith(octets: Uint8Array, at: number, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) if (octets[at + i] !== prefix[i]) return false;
  return true;
}

function isZero(octets: Uint8Array, at: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (octets[at + i] !== 0) return false;
  return true;
}
