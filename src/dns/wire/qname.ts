/**
 * The name in a question, straight off the wire (RFC 1035 section 3.1): a row of labels, each a length octet
 * and that many octets, ended by a zero. A question's name is never compressed.
 *
 * Octets other than letters, digits, `-` and `_` make a name that no rule can speak of; it is denied under
 * every policy, so it needs no text. That also keeps dots and NULs inside labels from passing for label
 * borders.
 */
import { DOT } from "../../policy/domain-name.ts";
import type { DomainName } from "../../policy/domain-name.ts";
import { MAX_LABEL_OCTETS, MAX_NAME_OCTETS } from "./constants.ts";

/** Lower case of each octet that a host name may have, 0 for all others. */
const CANONICAL = new Uint8Array(256);
for (const character of "abcdefghijklmnopqrstuvwxyz0123456789-_") {
  CANONICAL[character.charCodeAt(0)] = character.charCodeAt(0);
  CANONICAL[character.toUpperCase().charCodeAt(0)] = character.charCodeAt(0);
}

interface Qname {
  /** Octets on the wire, the zero at the end included; -1 for no name at all. */
  wireOctets: number;
  /** Canonical text; `undefined` when an octet stands in the name's way. */
  text: DomainName | undefined;
}

export type ReadQname = (octets: Buffer, start: number, end: number) => Qname;

/**
 * Makes a reader. Its one result object is overwritten by the next call: a lookup allocates nothing but the
 * text.
 */
export function createQnameReader(): ReadQname {
  const text = Buffer.alloc(MAX_NAME_OCTETS);
  const result: Qname = { wireOctets: -1, text: undefined };

  return function readQname(octets, start, end) {
    result.wireOctets = -1;
    result.text = undefined;
    let at = start;
    let written = 0;
    let isHostName = true;
    for (;;) {
      const length = at < end ? (octets[at] ?? 0) : 0xff;
      if (length > MAX_LABEL_OCTETS || at + length >= end) return result;
      at += 1;
      if (length === 0) break;
      if (at + length - start >= MAX_NAME_OCTETS) return result;
      if (written > 0) text[written++] = DOT;
      for (const labelEnd = at + length; at < labelEnd; at++) {
        const canonical = CANONICAL[octets[at] ?? 0] ?? 0;
        if (canonical === 0) isHostName = false;
        text[written++] = canonical;
      }
    }
    result.wireOctets = at - start;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this is the parse: the loop has let only such octets pass
    if (isHostName) result.text = text.toString("latin1", 0, written) as DomainName;
    return result;
  };
}
