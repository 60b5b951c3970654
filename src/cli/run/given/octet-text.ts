/**
 * Octets as text that keeps them: arguments, variables and paths of Linux are any octets but 0, and Node
 * shows what is not UTF-8 as U+FFFD. An octet that is no part of UTF-8 is the lone surrogate U+DC00 plus the
 * octet here, as in Python (PEP 383); `isWellFormed()` says that there is none.
 */
import { isUtf8 } from "node:buffer";

const ESCAPE = 0xdc00;
const REPLACEMENT = "\ufffd";
const LENGTHS = [1, 2, 3, 4];

/** The text, from which {@link encodeOctets} makes the same octets. */
export function decodeOctets(octets: Buffer): string {
  const text = octets.toString("utf8");
  if (!text.includes(REPLACEMENT) || isUtf8(octets)) return text;
  let kept = "";
  for (let at = 0; at < octets.length;) {
    const length = LENGTHS.find((one) => at + one <= octets.length && isUtf8(octets.subarray(at, at + one)));
    kept +=
      length === undefined
        ? String.fromCharCode(ESCAPE + (octets[at] ?? 0))
        : octets.toString("utf8", at, at + length);
    at += length ?? 1;
  }
  return kept;
}

export function encodeOctets(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text);
  return Buffer.concat(
    Array.from(text, (char) =>
      char.isWellFormed() ? Buffer.from(char) : Buffer.of(char.charCodeAt(0) - ESCAPE),
    ),
  );
}
