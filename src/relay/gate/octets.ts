/**
 * Octets that RFC 9110 allows in a token (section 5.6.2), in a field's value (5.5) and in a request's target
 * (RFC 3986 and 9112).
 */

const TOKEN = 1;
const VALUE = 2;
const TARGET = 4;

const CLASSES = makeClasses();

export function isToken(text: string): boolean {
  return text !== "" && isAllOf(text, TOKEN);
}

export function isTokenOctet(octet: number): boolean {
  return ((CLASSES[octet] ?? 0) & TOKEN) !== 0;
}

/**
 * Blanks and visible octets, obs-text (0x80 to 0xff) too; no control except the tab. It refuses characters
 * above 0xff.
 */
export function isFieldValue(text: string): boolean {
  return isAllOf(text, VALUE);
}

/** Visible ASCII without `#` and without what RFC 3986 allows nowhere: `"`, `<`, `>`. */
export function isTargetText(text: string): boolean {
  return isAllOf(text, TARGET);
}

function isAllOf(text: string, wanted: number): boolean {
  for (let at = 0; at < text.length; at++) {
    if (((CLASSES[text.charCodeAt(at)] ?? 0) & wanted) === 0) return false;
  }
  return true;
}

function makeClasses(): Uint8Array {
  const classes = new Uint8Array(256);
  for (let octet = 0; octet < 256; octet++) {
    const text = String.fromCharCode(octet);
    let found = 0;
    if (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(text)) found |= TOKEN;
    if (octet === 9 || (octet >= 0x20 && octet !== 0x7f)) found |= VALUE;
    if (/[!-~]/.test(text) && !/["#<>]/.test(text)) found |= TARGET;
    classes[octet] = found;
  }
  return classes;
}

/** What ends a line. */
export const CR = 0x0d;
export const LF = 0x0a;
