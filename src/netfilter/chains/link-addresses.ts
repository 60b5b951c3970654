/** Addresses of a prefix on the link that belong to no host: routers answer to them, or everybody does. */

/**
 * The network and broadcast address of an IPv4 prefix, and the subnet-router anycast address of an IPv6 one
 * (RFC 4291 section 2.6.1). Links of two ends have none (RFC 3021, RFC 6164).
 */
export function linkAddresses(octets: Uint8Array, length: number): readonly Uint8Array[] {
  if (length > octets.length * 8 - 2) return [];
  const first = fillHost(octets, length, 0);
  return octets.length === 4 ? [first, fillHost(octets, length, 0xff)] : [first];
}

/** The prefix with all bits after the first `length` ones taken from `fill`. */
function fillHost(octets: Uint8Array, length: number, fill: 0 | 0xff): Uint8Array {
  return octets.map((octet, index) => {
    const hostBits = 0xff >> Math.min(Math.max(length - index * 8, 0), 8);
    return (octet & ~hostBits) | (fill & hostBits);
  });
}
