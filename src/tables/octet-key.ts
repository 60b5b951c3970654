import { parseAddress } from "../policy/address.ts";

/** An address's octets as a string of as many characters: a key for maps, and back. */
export function octetKey(octets: Uint8Array, at: number, length: number): string {
  if (length === 4) {
    return String.fromCharCode(
      octets[at] ?? 0,
      octets[at + 1] ?? 0,
      octets[at + 2] ?? 0,
      octets[at + 3] ?? 0,
    );
  }
  return Buffer.from(octets.buffer, octets.byteOffset + at, length).toString("latin1");
}

export function keyOctets(key: string): Uint8Array {
  return Uint8Array.from(key, (character) => character.charCodeAt(0));
}

/** None if the text is no address. */
export function octetsOf(address: string): readonly Uint8Array[] {
  const parsed = parseAddress(address);
  return parsed.ok ? [parsed.value.octets] : [];
}
