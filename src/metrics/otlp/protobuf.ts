/**
 * Protocol buffers' wire format, as far as OTLP needs it. A message is its fields one after the other; each
 * function gives one.
 *
 *     field    key varint, (number << 3) | type
 *              type 0: varint   1: eight octets, little-endian   2: length varint, octets
 *
 * https://protobuf.dev/programming-guides/encoding/
 */
const VARINT = 0;
const EIGHT_OCTETS = 1;
const LENGTH_DELIMITED = 2;

/** A message, a string's octets or packed numbers as a field. */
export function octetsField(number: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([encodeVarint((number << 3) | LENGTH_DELIMITED), encodeVarint(length), ...parts]);
}

export function textField(number: number, text: string): Buffer {
  return octetsField(number, Buffer.from(text));
}

/** `value`: 0 to 2^31 - 1. */
export function varintField(number: number, value: number): Buffer {
  return Buffer.concat([encodeVarint((number << 3) | VARINT), encodeVarint(value)]);
}

export function fixed64Field(number: number, value: bigint): Buffer {
  return Buffer.concat([encodeVarint((number << 3) | EIGHT_OCTETS), packFixed64([value])]);
}

export function doubleField(number: number, value: number): Buffer {
  return Buffer.concat([encodeVarint((number << 3) | EIGHT_OCTETS), packDoubles([value])]);
}

export function packFixed64(values: readonly bigint[]): Buffer {
  const octets = Buffer.alloc(values.length * 8);
  values.forEach((value, index) => octets.writeBigInt64LE(BigInt.asIntN(64, value), index * 8));
  return octets;
}

export function packDoubles(values: readonly number[]): Buffer {
  const octets = Buffer.alloc(values.length * 8);
  values.forEach((value, index) => octets.writeDoubleLE(value, index * 8));
  return octets;
}

function encodeVarint(value: number): Buffer {
  const octets: number[] = [];
  for (; value > 0x7f; value >>>= 7) octets.push((value & 0x7f) | 0x80);
  return Buffer.from([...octets, value]);
}
