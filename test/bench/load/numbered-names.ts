/**
 * Names that nobody has asked before, and the addresses they must get. A name is eight hexadecimal digits
 * below a zone; its address is made of the number, so that every new name has a new address and every answer
 * can be checked.
 *
 *     0012abcd.bench.example   A 10.18.171.205   AAAA 2001:db8:0:0:0:0:12:abcd
 *
 * There are 2^24 different IPv4 addresses. Only the rows of names send something to one of them.
 */
export const ALLOWED_ZONE = "bench.example";
export const DENIED_ZONE = "denied.example";

export const LABEL_DIGITS = 8;
const HEX = "0123456789abcdef";

export function numberedName(number: number, zone: string): string {
  return `${number.toString(16).padStart(LABEL_DIGITS, "0")}.${zone}`;
}

/** Writes the digits of `number` at `at`. */
export function writeDigits(octets: Uint8Array, at: number, number: number): void {
  for (let i = LABEL_DIGITS - 1, rest = number; i >= 0; i--, rest >>>= 4) {
    octets[at + i] = HEX.charCodeAt(rest & 0xf);
  }
}

/** The number of a label of eight digits in any letter case; what is no digit counts as some digit. */
export function readDigits(octets: Uint8Array, at: number): number {
  let number = 0;
  for (let i = 0; i < LABEL_DIGITS; i++) {
    const octet = octets[at + i] ?? 0;
    const digit = octet <= 0x39 ? octet - 0x30 : (octet | 0x20) - 0x57;
    number = (number << 4) | (digit & 0xf);
  }
  return number >>> 0;
}

/** Writes the four octets of the number's IPv4 address at `at`. */
export function writeAddressV4(octets: Uint8Array, at: number, number: number): void {
  octets[at] = 10;
  octets[at + 1] = number >>> 16;
  octets[at + 2] = number >>> 8;
  octets[at + 3] = number;
}

/** Whether the four octets at `at` are the number's IPv4 address. */
export function holdsAddressV4(octets: Uint8Array, at: number, number: number): boolean {
  return (
    octets[at] === 10 &&
    octets[at + 1] === ((number >>> 16) & 0xff) &&
    octets[at + 2] === ((number >>> 8) & 0xff) &&
    octets[at + 3] === (number & 0xff)
  );
}

/** Gives out each number once. The first are left to those who ask by hand. */
export function createNumbers(): (count: number) => number {
  let next = 1 << 12;
  return (count) => {
    const first = next;
    next += count;
    return first;
  };
}
