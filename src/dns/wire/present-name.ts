import { MAX_LABEL_OCTETS, MAX_NAME_OCTETS } from "./constants.ts";

/**
 * A name as text for a log (RFC 1035 section 5.1): octets other than letters, digits, `-` and `_` as `\DDD`,
 * so that no name can write into a log what it likes. For uncompressed names; stops where one makes no sense.
 */
export function presentName(octets: Uint8Array, start: number): string {
  const labels: string[] = [];
  for (let at = start; at < start + MAX_NAME_OCTETS;) {
    const length = octets[at] ?? 0;
    if (length === 0 || length > MAX_LABEL_OCTETS) break;
    labels.push(Array.from(octets.subarray(at + 1, at + 1 + length), presentOctet).join(""));
    at += length + 1;
  }
  return labels.join(".");
}

function presentOctet(octet: number): string {
  const character = String.fromCharCode(octet);
  return /[A-Za-z0-9_-]/.test(character) ? character : `\\${String(octet).padStart(3, "0")}`;
}
