/** Character references of HTML and XML. */
import { code, digitOf, isCharacter, NO_DIGIT, writeUtf8 } from "./characters.ts";
import { type EscapeFamily, type EscapeReader, MORE, NONE, OVER, type Progress, WHOLE } from "./family.ts";
import { beginsName, longerName, namedOctet, NO_NAME } from "./reference-names.ts";

const X = code("x");
const TAB = code("\t");
const POUND = code("#");
const SEMICOLON = code(";");
/** So many digits a character's number may have, with zeros in front. */
const MOST_DECIMAL_DIGITS = 7;
const MOST_HEX_DIGITS = 6;

/** Character references of HTML and XML: `&#47;`, `&#x2F;`, `&sol;`. */
export const REFERENCES: EscapeFamily = {
  first: code("&"),
  mayFollow: (next, second) =>
    next === undefined ||
    (next === POUND
      ? second === undefined || (second | 0x20) === X || isDecimal(digitOf(second))
      : beginsName(next)),
  readWhole: readReference,
  open: openReferenceReader,
};

function isDecimal(digit: number): boolean {
  return digit >= 0 && digit <= 9;
}

function readReference(octets: Uint8Array, at: number, to: EscapeReader): number {
  return octets[at + 1] === POUND ? readNumeric(octets, at, to) : readNamed(octets, at, to);
}

/** With the end that it should have. */
function readNumeric(octets: Uint8Array, from: number, to: EscapeReader): number {
  const isHex = ((octets[from + 2] ?? 0) | 0x20) === X;
  const base = isHex ? 16 : 10;
  let value = 0;
  let at = from + (isHex ? 3 : 2);
  const end = at + (isHex ? MOST_HEX_DIGITS : MOST_DECIMAL_DIGITS);
  for (; at < end; at += 1) {
    const digit = digitOf(octets[at] ?? 0);
    if (digit < 0 || digit >= base) break;
    // What is there so far may be meant, too.
    if (value >= TAB) return 0;
    value = value * base + digit;
  }
  if (octets[at] !== SEMICOLON || !isCharacter(value)) return 0;
  to.count = writeUtf8(value, to.decoded);
  return at + 1 - from;
}

function readNamed(octets: Uint8Array, from: number, to: EscapeReader): number {
  let name = NO_NAME;
  for (let at = from + 1; at < octets.length; at += 1) {
    const octet = octets[at] ?? 0;
    name = longerName(name, octet);
    if (name < 0) return 0;
    if (octet !== SEMICOLON) continue;
    to.decoded[0] = namedOctet(name);
    to.count = 1;
    return at + 1 - from;
  }
  return 0;
}

function openReferenceReader(): EscapeReader {
  let name = NO_NAME;
  let digits = 0;
  /** 0 while it is not known. */
  let base = 0;
  let isNumber = false;
  let value = 0;
  const decoded = new Uint8Array(4);
  const reader: EscapeReader = {
    decoded,
    count: 0,
    begin() {
      name = NO_NAME;
      digits = 0;
      base = 0;
      isNumber = false;
      value = 0;
      reader.count = 0;
    },
    read: (octet) => (isNumber ? readNumber(octet) : readName(octet)),
  };

  function readName(octet: number): Progress {
    if (octet === POUND && name === NO_NAME) {
      isNumber = true;
      return MORE;
    }
    name = longerName(name, octet);
    if (name < 0) return reader.count > 0 ? OVER : NONE;
    decoded[0] = namedOctet(name);
    reader.count = decoded[0] === 0 ? 0 : 1;
    return octet === SEMICOLON ? WHOLE : MORE;
  }

  function readNumber(octet: number): Progress {
    if (base === 0 && (octet | 0x20) === X) {
      base = 16;
      return MORE;
    }
    base ||= 10;
    const digit = digitOf(octet);
    if (digit === NO_DIGIT || digit >= base) return endNumber(octet);
    digits += 1;
    value = value * base + digit;
    if (digits > (base === 10 ? MOST_DECIMAL_DIGITS : MOST_HEX_DIGITS)) return NONE;
    reader.count = isCharacter(value) ? writeUtf8(value, decoded) : 0;
    return MORE;
  }

  function endNumber(octet: number): Progress {
    if (reader.count === 0) return NONE;
    return octet === SEMICOLON ? WHOLE : OVER;
  }
  return reader;
}
