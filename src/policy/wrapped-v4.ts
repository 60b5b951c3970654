/** IPv4 addresses within those of IPv6 that a translator or a tunnel turns into them. */
import { beginsWith } from "./target-bits.ts";

/**
 * Octets 0 to 11 of 64:ff9b::/96 (RFC 6052), and 0 to 5 of 64:ff9b:1::/48 (RFC 8215): the last four hold an
 * IPv4 address.
 */
const NAT64 = Uint8Array.of(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0);
const LOCAL_NAT64 = Uint8Array.of(0, 0x64, 0xff, 0x9b, 0, 1);
/** Octets 0 and 1 of 2002::/16 (6to4, RFC 3056): the next four hold an IPv4 address. */
const SIX_TO_FOUR = Uint8Array.of(0x20, 0x02);

/** Where it begins in the buffer; -1 if the 16 octets at the offset hold none. */
export function findWrappedV4(octets: Uint8Array, at: number): number {
  if (beginsWith(octets, at, NAT64, 96) || beginsWith(octets, at, LOCAL_NAT64, 48)) return at + 12;
  return beginsWith(octets, at, SIX_TO_FOUR, 16) ? at + 2 : -1;
}
