/** Families of escapes, done plainly: characters written in any way, and a whole text read at once. */

import { formsOf, isOfDigits, type SecretForm } from "../../src/scrub/secret-forms.ts";

/** A number below that. */
export type Pick = (below: number) => number;

export interface PlainFamily {
  /** Each way to write the character; the first is as it is, if it can be. */
  readonly ways: (char: string, pick: Pick) => readonly string[];
  /** At the beginning of a text. */
  readonly escape: RegExp;
  /** Undefined if it is none. */
  readonly decode: (found: RegExpExecArray) => Buffer | undefined;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

function anyCase(text: string, pick: Pick): string {
  return Array.from(text, (char) => (pick(2) === 0 ? char.toUpperCase() : char)).join("");
}

function octetEscapes(sign: string, char: string, pick: Pick): string {
  return Array.from(Buffer.from(char), (octet) => sign + anyCase(hex(octet, 2), pick)).join("");
}

const PUNCTUATION = /^[!-/:-@[-`{-~]$/;
const CONTROLS: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

const NAMES: Readonly<Record<string, readonly string[]>> = {
  '"': ["&quot;", "&QUOT;", "&quot"],
  "&": ["&amp;", "&AMP;", "&amp"],
  "'": ["&apos;"],
  "+": ["&plus;"],
  "-": ["&hyphen;", "&dash;"],
  ".": ["&period;"],
  "/": ["&sol;"],
  "<": ["&lt;", "&LT;", "&lt"],
  "=": ["&equals;"],
  ">": ["&gt;", "&GT;", "&gt"],
  _: ["&lowbar;"],
};

const named = new Map(Object.entries(NAMES).flatMap(([char, names]) => names.map((name) => [name, char])));

export const PLAIN_FAMILIES: Readonly<Record<string, PlainFamily>> = {
  percent: {
    ways: (char, pick) => [...(char === "%" ? [] : [char]), octetEscapes("%", char, pick)],
    escape: /^%([\da-f]{2})/i,
    decode: ([, digits = ""]) => Buffer.from(digits, "hex"),
  },
  string: {
    ways: (char, pick) => [
      ...(char === "\\" ? [] : [char]),
      char
        .split("")
        .map((unit) => String.raw`\u${anyCase(hex(unit.charCodeAt(0), 4), pick)}`)
        .join(""),
      ...(char < "\u0100" ? [String.raw`\x${anyCase(hex(char.charCodeAt(0), 2), pick)}`] : []),
      ...(PUNCTUATION.test(char) ? [`\\${char}`] : []),
      ...Object.entries(CONTROLS).flatMap(([letter, control]) => (char === control ? [`\\${letter}`] : [])),
    ],
    escape:
      /^\\(?:u(?<pair>d[89ab][\da-f]{2}\\ud[c-f][\da-f]{2})|u(?<unit>(?!d[89a-f])[\da-f]{4})|x(?<octet>[\da-f]{2})|(?<own>[!-/:-@[-`{-~])|(?<control>(?-i:[bfnrtv])))/i,
    decode({ groups = {} }) {
      const units = (groups["pair"]?.split("\\u") ?? [groups["unit"] ?? groups["octet"] ?? ""]).filter(
        Boolean,
      );
      const own = groups["own"] ?? CONTROLS[groups["control"] ?? ""];
      return Buffer.from(own ?? String.fromCharCode(...units.map((unit) => Number.parseInt(unit, 16))));
    },
  },
  markup: {
    ways: (char, pick) => {
      const value = char.codePointAt(0) ?? 0;
      const [decimal, hexadecimal] = [value.toString(), value.toString(16)];
      // Eight octets at most, or as many as the number needs.
      const zerosFor = (digits: string, most: number): string =>
        "0".repeat(pick(Math.max(most - digits.length, 0) + 1));
      return [
        ...(char === "&" ? [] : [char]),
        `&#${zerosFor(decimal, 5)}${decimal};`,
        `&#${decimal}`,
        `&#${pick(2) === 0 ? "x" : "X"}${zerosFor(hexadecimal, 4)}${anyCase(hexadecimal, pick)};`,
        `&#x${hexadecimal}`,
        ...(NAMES[char] ?? []),
      ];
    },
    escape:
      /^&(?:#(?<decimal>\d{1,7})(?!\d);?|#x(?<hex>[\da-f]{1,6})(?![\da-f]);?|(?-i:quot|QUOT|amp|AMP|lt|LT|gt|GT);?|(?-i:apos|plus|hyphen|dash|period|sol|equals|lowbar);)/i,
    decode({ 0: whole, groups = {} }) {
      const value = Number.parseInt(
        groups["decimal"] ?? groups["hex"] ?? "",
        groups["hex"] === undefined ? 10 : 16,
      );
      if (Number.isNaN(value)) return Buffer.from(named.get(whole) ?? named.get(`${whole};`) ?? "");
      const isCharacter = value > 0 && value < 0x11_00_00 && (value < 0xd800 || value > 0xdfff);
      return isCharacter ? Buffer.from(String.fromCodePoint(value)) : undefined;
    },
  },
  "quoted-printable": {
    ways: (char, pick) =>
      [...(char === "=" ? [] : [char]), octetEscapes("=", char, pick)].flatMap((way) => [
        way,
        `${way}=\n`,
        `${way}=\r\n`,
      ]),
    escape: /^=(?:([\da-f]{2})|\r?\n)/i,
    decode: ([, digits = ""]) => Buffer.from(digits, "hex"),
  },
};

/** Each of the text's characters in some way. */
export function writeEscaped(text: string, { ways }: PlainFamily, pick: Pick): string {
  const pieces = Array.from(text, (char) => {
    const all = ways(char, pick);
    return all[pick(all.length)] ?? char;
  });
  // A soft line break stands between two characters.
  pieces.push((pieces.pop() ?? "").replace(/=\r?\n$/, ""));
  // A reference without its end goes on with digits and letters.
  return pieces
    .map((piece, index) =>
      /^&[#a-z].*[^;]$/i.test(piece) && /^[\da-z;]?$/i.test((pieces[index + 1] ?? "").slice(0, 1))
        ? `${piece};`
        : piece,
    )
    .join("");
}

interface Decoded {
  readonly octets: Buffer;
  readonly start: number;
  readonly end: number;
  readonly isEscape: boolean;
}

/** The text has an octet a character. */
function decodePlainly(read: string, { escape, decode }: PlainFamily, from = 0): readonly Decoded[] {
  const all: Decoded[] = [];
  for (let start = from; start < read.length; start = all.at(-1)?.end ?? read.length) {
    const found = escape.exec(read.slice(start));
    const decoded = found === null ? undefined : decode(found);
    const end = start + (decoded === undefined ? 1 : (found?.[0].length ?? 1));
    const octets = decoded ?? Buffer.from(read.slice(start, end), "latin1");
    all.push({ octets, start, end, isEscape: decoded !== undefined });
  }
  return all;
}

/** From one octet of a text to before another. */
export interface PlainStretch {
  readonly start: number;
  readonly end: number;
}

/** What is told has so many octets for each of the longest text's, or as many as another form has. */
const MOST_FOR_AN_OCTET = 8;
const SHORTEST = 5;

/** Where secrets are, in a text with an octet a character. */
export function findPlainly(secrets: readonly string[], read: string): readonly PlainStretch[] {
  const forms = secrets.flatMap(formsOf);
  const families = Object.values(PLAIN_FAMILIES);
  return [
    ...forms.flatMap(({ octets }) => findAsItIs(octets.toString("latin1"), read)),
    ...families.flatMap((family) => findEscapedPlainly(secrets, read, family)),
    ...findWrappedPlainly(secrets, read),
  ];
}

/** The end of a line of 44 digits or more, and the margin of the next one. */
const LINE_BREAK = /(?<=[\w+/-]{44})\r?\n[ \t]*(?=[\w+/-])/g;

/** Digits in such lines, as though they were one. */
function findWrappedPlainly(secrets: readonly string[], read: string): readonly PlainStretch[] {
  const most = mostOctets(secrets);
  const kept = new Set(read.split("").keys());
  for (const { 0: found, index } of read.matchAll(LINE_BREAK))
    for (let at = index; at < index + found.length; at += 1) kept.delete(at);
  const places = [...kept];
  const joined = places.map((at) => read[at] ?? "").join("");
  return secrets
    .flatMap(formsOf)
    .filter(isOfDigits)
    .flatMap(({ octets }) => findAsItIs(octets.toString("latin1"), joined))
    .map(({ start, end }) => ({ start: places[start] ?? 0, end: (places[end - 1] ?? 0) + 1 }))
    .filter(({ start, end }) => end - start <= most);
}

const longestOf = (secrets: readonly string[], kinds: readonly string[]): number =>
  Math.max(
    0,
    ...secrets
      .flatMap(formsOf)
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ octets }) => octets.length),
  );

function mostOctets(secrets: readonly string[]): number {
  const most = longestOf(secrets, ["code", "hex", "base64"]);
  return Math.max(most, MOST_FOR_AN_OCTET * longestOf(secrets, ["text"]));
}

export function findAsItIs(form: string, read: string): readonly PlainStretch[] {
  const found: PlainStretch[] = [];
  for (let start = read.indexOf(form); start >= 0; start = read.indexOf(form, start + 1))
    found.push({ start, end: start + form.length });
  return found;
}

/** Those with an escape of the family. */
function findEscapedPlainly(
  secrets: readonly string[],
  read: string,
  family: PlainFamily,
): readonly PlainStretch[] {
  const longestPattern = longestOf(secrets, ["text", "base64", "hex"]);
  const most = mostOctets(secrets);
  const patterns = secrets.flatMap(formsOf).filter(({ octets }) => octets.length <= longestPattern);
  return endings(patterns, read, family).filter(
    ({ start, end }) => end - start >= SHORTEST && end - start <= most,
  );
}

function endings(
  patterns: readonly SecretForm[],
  read: string,
  family: PlainFamily,
): readonly PlainStretch[] {
  const whole = decodePlainly(read, family);
  return whole.flatMap(({ start: from, end: to }) =>
    Array.from({ length: to - from }, (_none, at) => from + at + 1).flatMap((end) =>
      // As though the text ended here: an escape that has not ended is none, or what it is as yet.
      [readUpTo(end, end - LONGEST_ESCAPE), readUpTo(from, from).concat(asItIs(read, from, end))].flatMap(
        (reading) => patterns.flatMap((pattern) => endingIn(reading, pattern)),
      ),
    ),
  );

  /** Decoded anew from about there. */
  function readUpTo(end: number, about: number): readonly Decoded[] {
    const before = whole.filter((one) => one.end <= about);
    const from = before.at(-1)?.end ?? 0;
    return before.concat(decodePlainly(read.slice(0, end), family, from));
  }
}

const LONGEST_ESCAPE = 18;

function asItIs(read: string, from: number, to: number): readonly Decoded[] {
  return Array.from(read.slice(from, to), (char, at) => ({
    octets: Buffer.from(char, "latin1"),
    start: from + at,
    end: from + at + 1,
    isEscape: false,
  }));
}

/** The stretch that ends the reading and says the pattern; an end of a line stands for nothing in digits. */
function endingIn(reading: readonly Decoded[], form: SecretForm): readonly PlainStretch[] {
  const whole = endingBy(reading, form.octets);
  if (whole.length > 0 || !isOfDigits(form) || isSkipped(reading.at(-1) ?? NOTHING)) return whole;
  const digits = reading.map((one) => (isSkipped(one) ? { ...one, octets: Buffer.alloc(0) } : one));
  return endingBy(digits, form.octets);
}

function isSkipped({ octets, isEscape }: Decoded): boolean {
  return isEscape && /^[\r\n]$/.test(octets.toString("latin1"));
}

function endingBy(reading: readonly Decoded[], pattern: Buffer): readonly PlainStretch[] {
  let left = pattern;
  let hasEscape = false;
  if (reading.at(-1)?.octets.length === 0) return [];
  for (let index = reading.length - 1; index >= 0; index -= 1) {
    const { octets, start, isEscape } = reading[index] ?? NOTHING;
    if (!left.subarray(Math.max(left.length - octets.length, 0)).equals(octets)) return [];
    left = left.subarray(0, left.length - octets.length);
    hasEscape ||= isEscape;
    if (left.length === 0) return hasEscape ? [{ start, end: reading.at(-1)?.end ?? 0 }] : [];
  }
  return [];
}

const NOTHING: Decoded = { octets: Buffer.alloc(0), start: 0, end: 0, isEscape: false };
