/**
 * The forms in which a far end may send a secret back: as it is, in base64 wherever it begins there, in
 * hexadecimal digits, and in UTF-16. Of a secret that says more than one thing, such as `Bot TOKEN` or
 * `session=TOKEN; lang=en`, the parts that may be shown alone, too.
 *
 * Escapes, as URLs, JSON and HTML have them, are none of these: `escaped-search.ts` reads them.
 */

import { runToEnd, type Steps } from "../policy/steps.ts";

/**
 * A shorter spelling would be found where nobody meant the secret. The secret itself counts whatever its
 * length.
 */
export const SHORTEST_SPELLING = 5;

/** `text`: as it is. `code`: in UTF-16, where nothing is escaped. */
export type FormKind = "text" | "base64" | "hex" | "code";

/** Which writers put into lines of digits. */
export function isOfDigits({ kind }: Pick<SecretForm, "kind">): boolean {
  return kind === "base64" || kind === "hex";
}

export interface SecretForm {
  readonly octets: Buffer;
  readonly kind: FormKind;
}

/** Distinct, not empty; the secret itself is the first. Empty only for an empty text. */
export function formsOf(secret: string): readonly SecretForm[] {
  return runToEnd(formSteps(secret));
}

/** The same, with a step for each. */
export function* formSteps(secret: string): Steps<readonly SecretForm[]> {
  if (secret === "") return [];
  const distinct = new Map<string, FormKind>([[toOctets(secret), "text"]]);
  for (const text of [secret, ...basicParts(secret), ...tokenParts(secret), ...pairParts(secret)]) {
    for (const [spelling, kind] of spellingsOf(text)) {
      if (spelling.length >= SHORTEST_SPELLING && !distinct.has(spelling)) distinct.set(spelling, kind);
      yield;
    }
  }
  return Array.from(distinct, ([octets, kind]) => ({ octets: Buffer.from(octets, "latin1"), kind }));
}

/** Each with an octet a character. */
function* spellingsOf(text: string): Iterable<readonly [spelling: string, kind: FormKind]> {
  const octets = Buffer.from(text);
  const plain = toOctets(text);
  yield [plain, "text"];
  // As servers read it that take a header's octets for Latin-1, and write what they have read.
  yield [toOctets(octets.toString("latin1")), "text"];
  // As forms have blanks.
  yield [plain.replaceAll(" ", "+"), "text"];
  for (const form of base64Forms(octets)) yield [form, "base64"];
  for (const form of hexForms(octets)) yield [form, "hex"];
  for (const form of utf16Forms(text)) yield [form, "code"];
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
