/** Addresses as octets in network order, and their neighbours. */
import { renderAddress, renderIpv6 } from "../../policy/address.ts";

/** Both ends are included. */
export interface AddressRange {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

/**
 * Negative, zero or positive, if the first is below, the same or above. Faster than `Buffer.compare` on so
 * few octets.
 */
export function compareOctets(one: Uint8Array, other: Uint8Array): number {
  for (let index = 0; index < one.length; index += 1) {
    const difference = (one[index] ?? 0) - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The addresses that share their first `bits` bits with this one. */
export function blockOf(octets: Uint8Array, bits: number): AddressRange {
  const first = octets.slice();
  const last = octets.slice();
  for (let index = bits >>> 3; index < octets.length; index += 1) {
    const hostBits = 0xff >>> Math.max(0, bits - 8 * index);
    first[index] = (first[index] ?? 0) & ~hostBits;
    last[index] = (last[index] ?? 0) | hostBits;
  }
  return { first, last };
}

/** The next address; undefined behind the last one of the space. */
export function octetsAfter(octets: Uint8Array): Uint8Array | undefined {
  return endOf(octets, 8 * octets.length);
}

/**
 * The address behind all that share the first `bits` bits with this one; undefined behind the last of the
 * space. Its other bits are zero.
 */
export function endOf(octets: Uint8Array, bits: number): Uint8Array | undefined {
  const end = octets.slice();
  let step = 0x80 >>> ((bits + 7) & 7);
  for (let index = ((bits + 7) >>> 3) - 1; index >= 0; index -= 1) {
    const value = (end[index] ?? 0) + step;
    end[index] = value; // wraps, and carries
    if (value <= 0xff) return end;
    step = 1;
  }
  return undefined;
}

/** The address before; undefined before the first one of the space. */
export function octetsBefore(octets: Uint8Array): Uint8Array | undefined {
  const before = octets.slice();
  for (let index = before.length - 1; index >= 0; index -= 1) {
    const value = before[index] ?? 0;
    before[index] = value - 1; // wraps at zero, and borrows
    if (value !== 0) return before;
  }
  return undefined;
}

/** In nft(8)'s words: `192.0.2.7`, `192.0.2.0-192.0.2.255`. */
export function renderRange({ first, last }: AddressRange): string {
  const render = first.length === 4 ? renderAddress : renderIpv6;
  return compareOctets(first, last) === 0 ? render(first) : `${render(first)}-${render(last)}`;
}
