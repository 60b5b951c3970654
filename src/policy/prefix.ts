import { type IpAddress, parseAddress, renderAddress, renderIpv6 } from "./address.ts";
import { type Result, accepted, quote, refused } from "./problem.ts";

/**
 * The addresses whose first `length` bits are those of `octets`; the other bits are zero. `length` is 0 to
 * 32, or 0 to 128.
 */
export interface Prefix {
  readonly family: 4 | 6;
  readonly octets: Uint8Array;
  readonly length: number;
}

/**
 * Reads `address/length`, or an address alone as the prefix that holds only it. Host bits are masked;
 * prefixes within ::ffff:0:0/96 are IPv4.
 */
export function parsePrefix(text: string): Result<Prefix> {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (!address.ok) return address;
  const { family, octets } = address.value;
  if (slash < 0) return accepted({ family, octets, length: octets.length * 8 });
  // The written form counts: `::ffff:192.0.2.0/120` has 128 bits, and the first 96 mark it as IPv4.
  const written = text.slice(0, slash).includes(":") ? 128 : 32;
  const digits = text.slice(slash + 1);
  const length = Number(digits);
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(digits) || length > written) {
    return refused(`prefix length ${quote(digits)} must be a number from 0 to ${written}`);
  }
  return accepted(masked(address.value, length, written));
}

/** The canonical text: the address alone if the prefix holds one address, otherwise `address/length`. */
export function renderPrefix({ family, octets, length }: Prefix): string {
  const address = family === 4 ? renderAddress(octets) : renderIpv6(octets);
  return length === octets.length * 8 ? address : `${address}/${length}`;
}

function masked({ family, octets }: IpAddress, length: number, written: 32 | 128): Prefix {
  if (family === 6 || written === 32) return { family, octets: maskedOctets(octets, length), length };
  if (length >= 96) return { family: 4, octets: maskedOctets(octets, length - 96), length: length - 96 };
  const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...octets);
  return { family: 6, octets: maskedOctets(mapped, length), length };
}

function maskedOctets(octets: Uint8Array, length: number): Uint8Array {
  return octets.map((octet, index) => {
    const bits = Math.min(8, Math.max(0, length - 8 * index));
    return octet & (0xff << (8 - bits));
  });
}
