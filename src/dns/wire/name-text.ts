import { MAX_LABEL_OCTETS } from "./constants.ts";

/**
 * Octets that {@link writeNameText} writes at most: a longer name, or one of other characters than a host's,
 * is `this name`.
 */
export const MAX_NAME_TEXT_OCTETS = 100;
const THIS_NAME = Buffer.from("this name");

/** Writes the uncompressed name at `from` as text in lower case; returns where that ends. */
export function writeNameText(octets: Buffer, at: number, from: number): number {
  let end = at;
  let label = from;
  for (let length = octets[label] ?? 0; length > 0; length = octets[label] ?? 0) {
    if (length > MAX_LABEL_OCTETS || end + length + 1 > at + MAX_NAME_TEXT_OCTETS)
      return writeThisName(octets, at);
    if (end > at) octets[end++] = 0x2e;
    for (let i = label + 1; i <= label + length; i++) {
      const octet = octets[i] ?? 0;
      if (!isOfHost(octet)) return writeThisName(octets, at);
      octets[end++] = octet >= UPPER_A && octet <= UPPER_Z ? octet + CASE : octet;
    }
    label += length + 1;
  }
  return end === at ? writeThisName(octets, at) : end;
}

function writeThisName(octets: Buffer, at: number): number {
  octets.set(THIS_NAME, at);
  return at + THIS_NAME.length;
}

const [UPPER_A, UPPER_Z, CASE] = [0x41, 0x5a, 0x20];

/** Letters, digits, `-` and `_`. */
function isOfHost(octet: number): boolean {
  const lower = octet | CASE;
  return (
    (lower >= 0x61 && lower <= 0x7a) || (octet >= 0x30 && octet <= 0x39) || octet === 0x2d || octet === 0x5f
  );
}
