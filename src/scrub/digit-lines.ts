/**
 * Lines of digits: base64 and hexadecimal digits are written in lines of a column, 76 of them in mail, 64 in
 * PEM, 60 by `xxd -p`. A line's end within them stands for nothing, if enough of them stand before it.
 */
import { CR, LF } from "../relay/gate/octets.ts";

/**
 * So many digits end a line that goes on in the next one. Every usual column is longer, and what people read
 * is shorter: a word, an id of 36 digits, a commit of 40.
 */
export const FEWEST_IN_A_LINE = 44;

/** Of base64 in both alphabets, hexadecimal ones among them. */
const IS_DIGIT = Uint8Array.from({ length: 256 }, (_none, octet) =>
  /[\w+/-]/.test(String.fromCharCode(octet)) ? 1 : 0,
);

export function isLineDigit(octet: number | undefined): boolean {
  return octet !== undefined && IS_DIGIT[octet] === 1;
}

/** Octets, and those in front of them. */
export interface Octets {
  readonly octets: Uint8Array;
  readonly earlier: Uint8Array;
}

/** At a place that may be below 0; undefined: there is none. */
export function octetAt({ octets, earlier }: Octets, at: number): number | undefined {
  return at < 0 ? earlier[earlier.length + at] : octets[at];
}

/**
 * The first end of a line of digits at `from` or behind it, which is an LF; below 0 if there is none. The
 * line has to be in these octets. Looks at one octet in seven of prose.
 */
export function findDigitLine(octets: Uint8Array, from: number): number {
  let start = Math.max(from - FEWEST_IN_A_LINE - 1, 0);
  while (start + FEWEST_IN_A_LINE < octets.length) {
    let end = start + FEWEST_IN_A_LINE;
    let at = end - 1;
    while (at >= start && IS_DIGIT[octets[at] ?? 0] === 1) at -= 1;
    if (at >= start) {
      start = at + 1;
      continue;
    }
    end = endOfDigits(octets, end);
    const lineEnd = octets[end] === CR ? end + 1 : end;
    if (octets[lineEnd] === LF && lineEnd >= from) return lineEnd;
    start = end + 1;
  }
  return -1;
}

/** Where digits end that stand from there on. */
export function endOfDigits(octets: Uint8Array, from: number): number {
  let end = from;
  while (end < octets.length && IS_DIGIT[octets[end] ?? 0] === 1) end += 1;
  return end;
}

/** Of the line that ends with the LF at `lineEnd`: where its last digits begin and end, at most so many. */
export function lastDigits(
  given: Octets,
  lineEnd: number,
  most: number,
): { readonly start: number; readonly end: number } {
  const { octets, earlier } = given;
  const end = octetAt(given, lineEnd - 1) === CR ? lineEnd - 1 : lineEnd;
  let start = end;
  const least = Math.max(end - most, 0);
  while (start > least && IS_DIGIT[octets[start - 1] ?? 0] === 1) start -= 1;
  if (start > 0) return { start, end };
  while (end - start < most && isLineDigit(earlier[earlier.length + start - 1])) start -= 1;
  return { start, end };
}

export function isBreak(octet: number | undefined): boolean {
  return octet === LF || octet === CR;
}
