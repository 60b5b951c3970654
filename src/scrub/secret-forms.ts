/**
 * The spellings in which a far end may send a secret back: as it is, in base64 wherever it begins there, in
 * hexadecimal digits, in UTF-16, and as URLs, forms, JSON, HTML and XML have it. Of a secret that says more
 * than one thing, such as `Bot TOKEN` or `session=TOKEN; lang=en`, the parts that may be shown alone, too.
 *
 * Known limits: what is transformed otherwise (hashed, reversed, compressed, encoded twice, spelled in two
 * ways at once, broken into lines) is not found.
 */

import { runToEnd, type Steps } from "../policy/steps.ts";

/**
 * A shorter spelling would be found where nobody meant the secret. The secret itself counts whatever its
 * length.
 */
const SHORTEST_SPELLING = 5;

/** Distinct, not empty; the secret itself is the first. Empty only for an empty text. */
export function formsOf(secret: string): readonly Buffer[] {
  return runToEnd(formSteps(secret));
}

/** The same, with a step for each spelling. */
export function* formSteps(secret: string): Steps<readonly Buffer[]> {
  if (secret === "") return [];
  const distinct = new Set([toOctets(secret)]);
  for (const text of [secret, ...basicParts(secret), ...tokenParts(secret), ...pairParts(secret)]) {
    for (const spelling of spellingsOf(text)) {
      if (spelling.length >= SHORTEST_SPELLING) distinct.add(spelling);
      yield;
    }
  }
  return Array.from(distinct, (octets) => Buffer.from(octets, "latin1"));
}

/** Each with an octet a character. */
function* spellingsOf(text: string): Iterable<string> {
  const octets = Buffer.from(text);
  // As servers read it that take a header's octets for Latin-1, and write what they have read.
  const misread = octets.toString("latin1");
  yield toOctets(text);
  yield* base64Forms(octets);
  yield* hexForms(octets);
  for (const form of textForms(text)) yield toOctets(form);
  if (misread !== text) {
    yield toOctets(misread);
    for (const form of textForms(misread)) yield toOctets(form);
  }
  yield* utf16Forms(text);
}

function* textForms(text: string): Iterable<string> {
  yield* percentForms(Buffer.from(text));
  yield* jsonForms(text);
  yield* markupForms(text);
}

function toOctets(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** In both orders of octets. */
function utf16Forms(text: string): readonly string[] {
  const octets = Buffer.from(text, "utf16le");
  return [octets.toString("latin1"), octets.swap16().toString("latin1")];
}

/**
 * A secret may begin at any of three places of a group. Digits that depend on what stands around it are left
 * out: up to two at each end.
 */
function base64Forms(octets: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const digits = Buffer.concat([Buffer.alloc(before), octets]).toString("base64");
    const own = digits.slice(Math.ceil((before * 8) / 6), Math.floor(((before + octets.length) * 8) / 6));
    return [own, own.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

function hexForms(octets: Buffer): readonly string[] {
  const digits = octets.toString("hex");
  return [digits, digits.toUpperCase()];
}

/** What is left as it is: RFC 3986's unreserved, encodeURIComponent's, encodeURI's, a form's, nothing. */
const LEFT_IN_URLS = [/[\w.~-]/, /[\w.!~*'()-]/, /[\w.!~*'();,/?:@&=+$#-]/, /[\w.*-]/, /(?!)/] as const;

function* percentForms(octets: Buffer): Iterable<string> {
  for (const left of LEFT_IN_URLS) {
    const upper = percentEncode(octets, left);
    for (const text of [upper, upper.replaceAll("%20", "+")]) {
      yield text;
      yield text.replaceAll(/%../g, (escape) => escape.toLowerCase());
    }
  }
}

function percentEncode(octets: Buffer, left: RegExp): string {
  const spelled = Array.from({ length: 256 }, (_, octet) => {
    const char = String.fromCharCode(octet);
    return octet < 0x80 && left.test(char) ? char : `%${octet.toString(16).toUpperCase().padStart(2, "0")}`;
  });
  return Array.from(octets, (octet) => spelled[octet]).join("");
}

/**
 * Characters that writers of JSON escape beyond what they must: Go's, PHP's, .NET's; and what is not ASCII,
 * as Python does.
 */
const ESCAPED_IN_JSON = [/(?!)/, /[<>&]/, /[<>&'"]/, /["&'+<>`]/] as const;

function* jsonForms(secret: string): Iterable<string> {
  for (const escaped of ESCAPED_IN_JSON) {
    for (const isAscii of [false, true]) {
      for (const escapesSlash of [false, true]) {
        const lower = jsonEscape(secret, { escaped, isAscii, escapesSlash });
        yield lower;
        yield lower.replaceAll(/\\u..../g, (escape) => `\\u${escape.slice(2).toUpperCase()}`);
      }
    }
  }
}

interface JsonWriter {
  readonly escaped: RegExp;
  readonly isAscii: boolean;
  readonly escapesSlash: boolean;
}

function jsonEscape(text: string, writer: JsonWriter): string {
  const known = new Map<string, string>();
  const spell = (char: string): string => {
    const spelled = known.get(char) ?? jsonEscapeOne(char, writer);
    known.set(char, spelled);
    return spelled;
  };
  return text.split("").map(spell).join("");
}

function jsonEscapeOne(char: string, { escaped, isAscii, escapesSlash }: JsonWriter): string {
  if (escaped.test(char) || (isAscii && char > "\x7e"))
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  if (char === "/") return escapesSlash ? String.raw`\/` : char;
  // Half of a pair: the other half is beside it.
  return char > "\x7e" ? char : JSON.stringify(char).slice(1, -1);
}

/** Of Python; PHP; Go; mustache and its kin; XML. */
const MARKUP: readonly Readonly<Record<string, string>>[] = [
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;" },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#039;" },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "+": "&#43;" },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" },
  {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
    "/": "&#x2F;",
    "=": "&#x3D;",
    "`": "&#x60;",
  },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;" },
];

function* markupForms(secret: string): Iterable<string> {
  for (const table of MARKUP) yield secret.replaceAll(/[&<>"'+/=`]/g, (char) => table[char] ?? char);
}

/** What a header of HTTP's Basic scheme says: who knows the password knows it all. */
function basicParts(secret: string): readonly string[] {
  const digits = /^basic +([\w+/-]+=*)$/i.exec(secret)?.[1];
  if (digits === undefined) return [];
  const said = Buffer.from(digits, "base64").toString();
  return [said, said.slice(said.indexOf(":") + 1)];
}

/** Shorter parts are words that stand elsewhere, too. */
const SHORTEST_TOKEN = 8;
const SHORTEST_VALUE = 12;

/** Behind a header's scheme: `Bearer TOKEN`, `token TOKEN`. */
function tokenParts(secret: string): readonly string[] {
  const token = /^[a-z][\w-]* +(\S+)$/i.exec(secret)?.[1] ?? "";
  return token.length < SHORTEST_TOKEN ? [] : [token];
}

/** Of pairs, as cookies and headers have them: `name=VALUE; name="VALUE"`. */
function pairParts(secret: string): readonly string[] {
  return secret
    .split(/[\s;,&]+/)
    .map((pair) => /^[\w.$-]+="?([^"]+)"?$/.exec(pair)?.[1] ?? "")
    .filter(({ length }) => length >= SHORTEST_VALUE);
}
