/** Escapes within strings of JSON and of programs. */
import { code, digitOf, isDigit, isSurrogate, NO_DIGIT, readHex, writeUtf8 } from "./characters.ts";
import { type EscapeFamily, type EscapeReader, MORE, NONE, type Progress, WHOLE } from "./family.ts";

/** Letters of a string's escapes; before any punctuation a backslash stands for nothing. */
const LETTERS: ReadonlyMap<number, number> = new Map(
  Object.entries({ b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" }).map(([letter, char]) => [
    code(letter),
    code(char),
  ]),
);

const isPunctuation = (octet: number): boolean => /[!-/:-@[-`{-~]/.test(String.fromCharCode(octet));

/** What a backslash stands for together with one of these. */
const AFTER_BACKSLASH = Int16Array.from(
  { length: 256 },
  (_none, octet) => LETTERS.get(octet) ?? (isPunctuation(octet) ? octet : -1),
);

const U = code("u");
const X = code("x");

/** Strings of JSON and JavaScript: `\uXXXX` of UTF-16, `\xXX`, `\n`, `\/`. */
export const STRING: EscapeFamily = {
  first: code("\\"),
  mayFollow: (next, second) =>
    next === undefined || (next === U || next === X ? isDigit(second) : (AFTER_BACKSLASH[next] ?? -1) >= 0),
  readWhole: readStringEscape,
  open: openStringReader,
};

function readStringEscape(octets: Uint8Array, at: number, to: EscapeReader): number {
  const kind = octets[at + 1] ?? 0;
  const own = AFTER_BACKSLASH[kind] ?? -1;
  if (own >= 0) {
    to.decoded[0] = own;
    to.count = 1;
    return 2;
  }
  if (kind !== U && kind !== X) return 0;
  const length = kind === U ? 6 : 4;
  const value = readHex(octets, at + 2, at + length);
  if (value < 0 || isSurrogate(value)) return 0;
  to.count = writeUtf8(value, to.decoded);
  return length;
}

function openStringReader(): EscapeReader {
  /** Digits that are yet to come; 0: what kind it is has not come. */
  let missing = 0;
  let value = 0;
  /** Ten bits of a character that is written as two escapes. */
  let high: number | undefined;
  const decoded = new Uint8Array(4);
  const reader: EscapeReader = {
    decoded,
    count: 0,
    begin(isBehind) {
      missing = 0;
      value = 0;
      if (!isBehind) high = undefined;
      reader.count = 0;
    },
    read(octet) {
      if (missing === 0) return readKind(octet);
      const digit = digitOf(octet);
      if (digit === NO_DIGIT) return NONE;
      value = value * 16 + digit;
      missing -= 1;
      return missing > 0 ? MORE : decodeUnit();
    },
  };
  function readKind(octet: number): Progress {
    if (octet === U || octet === X) {
      missing = octet === U ? 4 : 2;
      return MORE;
    }
    value = AFTER_BACKSLASH[octet] ?? -1;
    return value < 0 ? NONE : decodeUnit();
  }
  function decodeUnit(): Progress {
    const before = high;
    high = undefined;
    if (!isSurrogate(value)) reader.count = writeUtf8(value, decoded);
    else if (value < 0xdc00) {
      // The first two octets depend on this half alone.
      high = value & 0x3ff;
      writeUtf8(0x1_00_00 + (high << 10), decoded);
      reader.count = 2;
    } else if (before !== undefined) {
      writeUtf8(0x1_00_00 + (before << 10) + (value & 0x3ff), decoded);
      decoded.copyWithin(0, 2, 4);
      reader.count = 2;
    } else return NONE;
    return WHOLE;
  }
  return reader;
}
