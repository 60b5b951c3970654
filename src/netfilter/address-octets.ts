/** Addresses as octets in network order, and their neighbours. */
import { renderAddress, renderIpv6 } from "../policy/address.ts";

/** Both ends are included. */
export interface AddressRange {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
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
  const next = octets.slice();
  for (let index = next.length - 1; index >= 0; index -= 1) {
    next[index] = (next[index] ?? 0) + 1; // wraps to zero, and carries
    if (next[index] !== 0) return next;
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
  return Buffer.compare(first, last) === 0 ? render(first) : `${render(first)}-${render(last)}`;
}
