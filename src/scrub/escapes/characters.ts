/** What escapes are made of: digits, and what they stand for. */

export const NO_DIGIT = -1;
/** What each octet is as a hexadecimal digit. */
const DIGITS = Int8Array.from({ length: 256 }, (_none, octet) =>
  /[\da-f]/i.test(String.fromCharCode(octet)) ? Number.parseInt(String.fromCharCode(octet), 16) : NO_DIGIT,
);

export function digitOf(octet: number): number {
  return DIGITS[octet] ?? NO_DIGIT;
}

export const isDigit = (octet: number | undefined): boolean =>
  octet === undefined || digitOf(octet) !== NO_DIGIT;

export const code = (char: string): number => char.charCodeAt(0);

/** Below 0 if there is anything else. */
export function readHex(octets: Uint8Array, from: number, to: number): number {
  if (to > octets.length) return NO_DIGIT;
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = DIGITS[octets[at] ?? 0] ?? NO_DIGIT;
    if (digit < 0) return NO_DIGIT;
    value = value * 16 + digit;
  }
  return value;
}

export function isSurrogate(value: number): boolean {
  return value >= 0xd800 && value <= 0xdfff;
}

export function isCharacter(value: number): boolean {
  return value > 0 && value < 0x11_00_00 && !isSurrogate(value);
}

/** Gives how many octets the character has. */
export function writeUtf8(value: number, to: Uint8Array): number {
  if (value < 0x80) {
    to[0] = value;
    return 1;
  }
  const count = value < 0x800 ? 2 : value < 0x1_00_00 ? 3 : 4;
  for (let at = count - 1, left = value; at > 0; at -= 1, left >>>= 6) to[at] = 0x80 | (left & 0x3f);
  to[0] = ((0xf00 >> count) & 0xff) | (value >>> (6 * (count - 1)));
  return count;
}
