/**
 * Writers of DER (X.690), as far as X.509 needs it: each gives the octets of one element, tag and length
 * included.
 */

const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const BMP_STRING = 0x1e;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;

/** The last year of which UTCTime can speak (RFC 5280 section 4.1.2.5). */
const LAST_UTC_YEAR = 2049;

export function sequence(...elements: readonly Uint8Array[]): Buffer {
  return element(SEQUENCE, Buffer.concat(elements));
}

/** Sorted, as DER wants it. */
export function setOf(...elements: readonly Uint8Array[]): Buffer {
  return element(SET, Buffer.concat(elements.toSorted((one, other) => Buffer.compare(one, other))));
}

export const TRUE = element(BOOLEAN, Buffer.of(0xff));

/** Not negative; the octets are the number's, most significant first. */
export function integer(octets: Uint8Array): Buffer {
  const first = octets.findIndex((octet) => octet !== 0);
  const digits = first < 0 ? Buffer.of(0) : octets.subarray(first);
  const isNegative = (digits[0] ?? 0) >= 0x80;
  return element(INTEGER, isNegative ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

/** `unused` bits at the end do not count. */
export function bitString(octets: Uint8Array, unused = 0): Buffer {
  return element(BIT_STRING, Buffer.concat([Buffer.of(unused), octets]));
}

export function octetString(octets: Uint8Array): Buffer {
  return element(OCTET_STRING, octets);
}

export function utf8String(text: string): Buffer {
  return element(UTF8_STRING, Buffer.from(text));
}

/** Of two octets a character: BMPString. */
export function utf16String(text: string): Buffer {
  return element(BMP_STRING, Buffer.from(text, "utf16le").swap16());
}

/** As it is written: `2.5.29.17`. */
export function objectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  return element(OBJECT_IDENTIFIER, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** To the second. */
export function time(atMs: number): Buffer {
  const at = new Date(atMs);
  const digits = at.toISOString().replaceAll(/[-:T]|\..*/g, "");
  const isShort = at.getUTCFullYear() <= LAST_UTC_YEAR;
  return element(
    isShort ? UTC_TIME : GENERALIZED_TIME,
    Buffer.from(`${isShort ? digits.slice(2) : digits}Z`),
  );
}

/** `[tag]`, IMPLICIT: the content takes the place of the type's own octets. */
export function contextPrimitive(tag: number, octets: Uint8Array): Buffer {
  return element(CONTEXT | tag, octets);
}

/** `[tag]` around other elements. */
export function contextConstructed(tag: number, ...elements: readonly Uint8Array[]): Buffer {
  return element(CONTEXT | CONSTRUCTED | tag, Buffer.concat(elements));
}

function element(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(tag, ...lengthOctets(content.length)), content]);
}

function lengthOctets(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const digits: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 0x100)) digits.unshift(rest % 0x100);
  return [0x80 | digits.length, ...digits];
}

function base128(value: number): readonly number[] {
  const digits = [value % 0x80];
  for (let rest = Math.floor(value / 0x80); rest > 0; rest = Math.floor(rest / 0x80))
    digits.unshift(0x80 | (rest % 0x80));
  return digits;
}
