import { domainToASCII } from "node:url";
import { type Result, accepted, quote, refused } from "./problem.ts";

declare const domainNameBrand: unique symbol;

/**
 * A host name in canonical form: lower-case labels, joined by `.`, without a trailing dot, 253 octets at
 * most. A label has 1 to 63 octets: letters, digits, `-` and `_`; internationalised ones are A-labels. The
 * root is the empty string. Two names are the same exactly if their strings are equal.
 */
export type DomainName = string & { readonly [domainNameBrand]: true };

export const NAME_OCTETS_MAX = 253;
const LABEL_OCTETS_MAX = 63;

/**
 * The longest text that is read as a name. Mapping shortens a text only so far, and its cost grows with the
 * square of a label's length.
 */
const TEXT_LENGTH_MAX = 1024;

/**
 * Reads a name as a person writes it: trimmed, any case, one trailing dot, internationalised by UTS 46
 * (non-transitional); `.` is the root.
 */
export function parseDomainName(text: string): Result<DomainName> {
  const written = text.trim();
  if (written === "") return refused("is blank");
  if (written === ".") return checked("");
  if (written.length > TEXT_LENGTH_MAX) return refused(`${quote(written)} is too long for a name`);
  const forbidden = /[^a-z0-9._-]/i.exec(written.replaceAll(/\P{ASCII}/gu, ""));
  if (forbidden !== null)
    return refused(`${quote(written)} has ${quote(forbidden[0])}, which no host name has`);
  const ascii = /^\p{ASCII}*$/u.test(written) ? written.toLowerCase() : domainToASCII(written);
  if (ascii === "") return refused(`${quote(written)} is not a valid internationalised name (UTS 46)`);
  return checked(ascii.endsWith(".") ? ascii.slice(0, -1) : ascii);
}

/**
 * Whether the text is canonical already, in one pass and without allocating. It serves names off the wire,
 * which their reader has put in lower case.
 */
export function isDomainName(text: string): text is DomainName {
  if (text.length > NAME_OCTETS_MAX) return false;
  let labelOctets = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === DOT) {
      if (labelOctets === 0) return false;
      labelOctets = 0;
    } else {
      labelOctets += 1;
      if (labelOctets > LABEL_OCTETS_MAX || !isLabelOctet(code)) return false;
    }
  }
  return labelOctets > 0 || text === "";
}

export const DOT = 0x2e;

function isLabelOctet(code: number): boolean {
  if (code >= 0x61 && code <= 0x7a) return true; // a-z
  if (code >= 0x30 && code <= 0x39) return true; // 0-9
  return code === 0x2d || code === 0x5f; // - _
}

function checked(name: string): Result<DomainName> {
  if (isDomainName(name)) return accepted(name);
  const labels = name.split(".");
  if (labels.includes("")) return refused(`${quote(name)} has an empty label`);
  const long = labels.find((label) => label.length > LABEL_OCTETS_MAX);
  if (long !== undefined) {
    return refused(`label ${quote(long)} has ${long.length} octets, more than ${LABEL_OCTETS_MAX}`);
  }
  if (name.length > NAME_OCTETS_MAX) {
    return refused(`${quote(name)} has ${name.length} octets, more than ${NAME_OCTETS_MAX}`);
  }
  return refused(`${quote(name)} has a character that no host name has`);
}
