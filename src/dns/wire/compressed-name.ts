/**
 * Names inside an answer, which may end in a pointer to an earlier one (RFC 1035 section 4.1.4). Pointers
 * must go backwards, and not into the header, which is another in what a client gets.
 */
import { HEADER_OCTETS, MAX_LABEL_OCTETS, MAX_NAME_OCTETS } from "./constants.ts";

const POINTER = 0xc0;
/**
 * Pointers that lead to pointers. Who compresses names points to labels, so more than a few in a row are made
 * to cost time: thousands fit into one message, and a thousand records may begin with the last of them.
 */
const MAX_POINTERS_IN_A_ROW = 16;

/** The offset behind the name at `at`, or -1 for one that is cut off or malformed. */
export function skipName(octets: Buffer, at: number, end: number): number {
  for (;;) {
    if (at >= end) return -1;
    const length = octets[at] ?? 0;
    if (length === 0) return at + 1;
    if ((length & POINTER) === POINTER) return at + 2 <= end ? at + 2 : -1;
    if (length > MAX_LABEL_OCTETS) return -1;
    at += 1 + length;
  }
}

/** The offset of the next label, pointers followed; -1 if there is none to be had. */
function follow(octets: Buffer, messageStart: number, at: number, end: number): number {
  for (let limit = at, pointers = 0; pointers <= MAX_POINTERS_IN_A_ROW; limit = at, pointers++) {
    if (at >= end) return -1;
    const length = octets[at] ?? 0;
    if ((length & POINTER) !== POINTER) return length <= MAX_LABEL_OCTETS && at + 1 + length <= end ? at : -1;
    if (at + 2 > end) return -1;
    at = messageStart + (((length & 0x3f) << 8) | (octets[at + 1] ?? 0));
    if (at >= limit || at < messageStart + HEADER_OCTETS) return -1;
  }
  return -1;
}

/**
 * Whether two names of one message are the same, letter case aside. A malformed one is the same as nothing,
 * but for one that goes on in the very octets in which the other goes on.
 */
export function sameName(octets: Buffer, messageStart: number, a: number, b: number, end: number): boolean {
  for (let walked = 0; walked <= MAX_NAME_OCTETS;) {
    a = follow(octets, messageStart, a, end);
    b = follow(octets, messageStart, b, end);
    if (a < 0 || b < 0) return false;
    if (a === b) return true;
    const length = octets[a] ?? 0;
    if (length !== octets[b]) return false;
    if (length === 0) return true;
    for (let i = 1; i <= length; i++) {
      if (lowerCase(octets[a + i] ?? 0) !== lowerCase(octets[b + i] ?? 0)) return false;
    }
    a += length + 1;
    b += length + 1;
    walked += length + 1;
  }
  return false;
}

/** Whether the name at `name` is below the one at `above`, and not that name itself. */
export function isBelow(
  octets: Buffer,
  messageStart: number,
  name: number,
  above: number,
  end: number,
): boolean {
  for (let walked = 0; walked <= MAX_NAME_OCTETS;) {
    name = follow(octets, messageStart, name, end);
    if (name < 0) return false;
    const length = octets[name] ?? 0;
    if (length === 0) return false;
    name += 1 + length;
    walked += 1 + length;
    if (sameName(octets, messageStart, name, above, end)) return true;
  }
  return false;
}

/** Whether the name at `at` can be followed to its end and is no longer than names may be. */
export function isWholeName(octets: Buffer, messageStart: number, at: number, end: number): boolean {
  for (let walked = 0; ;) {
    at = follow(octets, messageStart, at, end);
    if (at < 0) return false;
    const length = octets[at] ?? 0;
    walked += 1 + length;
    if (walked > MAX_NAME_OCTETS) return false;
    if (length === 0) return true;
    at += 1 + length;
  }
}

/**
 * Writes the name at `at` into `out` without pointers; returns the offset behind it, or -1 for a malformed or
 * too long one.
 */
export function expandName(
  octets: Buffer,
  messageStart: number,
  at: number,
  end: number,
  out: { readonly octets: Buffer; readonly at: number },
): number {
  let to = out.at;
  for (;;) {
    at = follow(octets, messageStart, at, end);
    if (at < 0) return -1;
    const length = octets[at] ?? 0;
    if (to - out.at + length + 1 > MAX_NAME_OCTETS) return -1;
    octets.copy(out.octets, to, at, at + 1 + length);
    to += 1 + length;
    if (length === 0) return to;
    at += 1 + length;
  }
}

/** A letter in lower case, any other octet as it is. */
export function lowerCase(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}
