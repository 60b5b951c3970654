import { type Result, accepted, quote, refused } from "./problem.ts";

/**
 * An address in canonical form: 4 octets or 16, in network order. An IPv4-mapped IPv6 address is the IPv4
 * address.
 */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly octets: Uint8Array;
}

/**
 * Reads an address exactly as written, without blanks, brackets or zone. IPv4 is four decimal numbers without
 * leading zeros. It accepts what `isIP` of `node:net` accepts; that function's regular expression for IPv6
 * costs 5 ms at its first use.
 */
export function parseAddress(text: string): Result<IpAddress> {
  const v4 = ipv4Octets(text);
  if (v4 !== undefined) return accepted({ family: 4, octets: Uint8Array.from(v4) });
  const v6 = ipv6Octets(text);
  return v6 === undefined ? refused(`${quote(text)} is not an address`) : accepted(unmapped(v6));
}

/** A link-local address's interface (RFC 4007 section 11: `fe80::1%eth0`), and the address without it. */
export function splitZone(text: string): { readonly address: string; readonly zone: string | undefined } {
  const at = text.indexOf("%");
  return at < 0
    ? { address: text, zone: undefined }
    : { address: text.slice(0, at), zone: text.slice(at + 1) };
}

/**
 * The text of an address: dotted decimal, or RFC 5952. Of 16 octets that hold an IPv4-mapped address it is
 * the IPv4 text.
 */
export function renderAddress(octets: Uint8Array): string {
  if (octets.length === 4) return renderIpv4(octets, 0);
  return isIpv4Mapped(octets, 0) ? renderIpv4(octets, 12) : renderIpv6(octets);
}

/**
 * RFC 5952 section 4, always as IPv6: lower case, no leading zeros, the first longest run of two or more zero
 * groups as `::`.
 */
export function renderIpv6(octets: Uint8Array): string {
  const { start, length } = longestZeroRun(octets);
  let text = "";
  for (let group = 0; group < 8; group += 1) {
    if (length > 1 && group === start) {
      text += "::";
      group += length - 1;
    } else {
      const isFirst = group === 0 || (length > 1 && group === start + length);
      text += `${isFirst ? "" : ":"}${groupAt(octets, group).toString(16)}`;
    }
  }
  return text;
}

/** Whether the 16 octets at the offset are in ::ffff:0:0/96 (RFC 4291 section 2.5.5.2). */
export function isIpv4Mapped(octets: Uint8Array, offset: number): boolean {
  for (let index = 0; index < 10; index += 1) {
    if (octets[offset + index] !== 0) return false;
  }
  return octets[offset + 10] === 0xff && octets[offset + 11] === 0xff;
}

function ipv4Octets(text: string): readonly number[] | undefined {
  const numbers = text.split(".");
  if (numbers.length !== 4 || !numbers.every((number) => /^(?:0|[1-9]\d{0,2})$/.test(number)))
    return undefined;
  const octets = numbers.map(Number);
  return octets.every((octet) => octet <= 255) ? octets : undefined;
}

/**
 * RFC 4291 section 2.2: eight groups, of which the last two may be written as IPv4. `::` stands once, for one
 * zero group or more.
 */
function ipv6Octets(text: string): Uint8Array | undefined {
  const [head = "", tail, ...more] = text.split("::");
  if (more.length > 0) return undefined;
  const first = groupOctets(head, tail === undefined);
  const last = groupOctets(tail ?? "", true);
  if (first === undefined || last === undefined) return undefined;
  const length = first.length + last.length;
  if (tail === undefined ? length !== 16 : length > 14) return undefined;
  const octets = new Uint8Array(16);
  octets.set(first, 0);
  octets.set(last, 16 - last.length);
  return octets;
}

/** `isEnd`: whether this text ends the address. */
function groupOctets(text: string, isEnd: boolean): readonly number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const octets: number[] = [];
  for (const [index, group] of groups.entries()) {
    const isLast = isEnd && index === groups.length - 1;
    const read = isLast && group.includes(".") ? ipv4Octets(group) : hexadecimalOctets(group);
    if (read === undefined) return undefined;
    octets.push(...read);
  }
  return octets;
}

function hexadecimalOctets(group: string): readonly number[] | undefined {
  if (!/^[\da-f]{1,4}$/i.test(group)) return undefined;
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}

function unmapped(octets: Uint8Array): IpAddress {
  if (isIpv4Mapped(octets, 0)) return { family: 4, octets: octets.slice(12) };
  return { family: 6, octets };
}

function renderIpv4(octets: Uint8Array, offset: number): string {
  return octets.subarray(offset, offset + 4).join(".");
}

function groupAt(octets: Uint8Array, group: number): number {
  return ((octets[2 * group] ?? 0) << 8) | (octets[2 * group + 1] ?? 0);
}

/** The first of the longest runs, in groups. */
function longestZeroRun(octets: Uint8Array): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let length = 0;
  for (let group = 0; group < 8; group += 1) {
    length = groupAt(octets, group) === 0 ? length + 1 : 0;
    if (length > longest.length) longest = { start: group + 1 - length, length };
  }
  return longest;
}
