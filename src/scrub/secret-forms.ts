/**
 * The spellings in which a far end may send a secret back: as it is, in base64 wherever it begins there, in
 * hexadecimal digits, in UTF-16, and as URLs, forms, JSON, HTML and XML have it. Of a secret that says more
 * than one thing, such as `Bot TOKEN` or `session=TOKEN; lang=en`, the parts that may be shown alone, too.
 *
 * Known limits: what is transformed otherwise (hashed, reversed, compressed, encoded twice, spelled in two
 * ways at once, broken into lines) is not found.
 */

/**
 * A shorter spelling would be found where nobody meant the secret. The secret itself counts whatever its
 * length.
 */
const SHORTEST_SPELLING = 5;

/** Distinct, not empty; the secret itself is the first. Empty only for an empty text. */
export function formsOf(secret: string): readonly Buffer[] {
  if (secret === "") return [];
  const parts = [...basicParts(secret), ...tokenParts(secret), ...pairParts(secret)];
  const distinct = new Set([toOctets(secret), ...[secret, ...parts].flatMap(spellingsOf)]);
  return Array.from(distinct, (octets) => Buffer.from(octets, "latin1"));
}

/** Each with an octet a character. */
function spellingsOf(text: string): readonly string[] {
  const octets = Buffer.from(text);
  // As servers read it that take a header's octets for Latin-1, and write what they have read.
  const misread = octets.toString("latin1");
  const texts = [
    text,
    ...base64Forms(octets),
    ...hexForms(octets),
    ...textForms(text),
    ...(misread === text ? [] : [misread, ...textForms(misread)]),
  ];
  return [...texts.map(toOctets), ...utf16Forms(text)].filter(({ length }) => length >= SHORTEST_SPELLING);
}

function textForms(text: string): readonly string[] {
  return [...percentForms(Buffer.from(text)), ...jsonForms(text), ...markupForms(text)];
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

function percentForms(octets: Buffer): readonly string[] {
  return LEFT_IN_URLS.flatMap((left) => {
    const upper = percentEncode(octets, left);
    const spaced = upper.replaceAll("%20", "+");
    return [upper, spaced].flatMap((text) => [
      text,
      text.replaceAll(/%../g, (escape) => escape.toLowerCase()),
    ]);
  });
}

function percentEncode(octets: Buffer, left: RegExp): string {
  return Array.from(octets, (octet) => {
    const char = String.fromCharCode(octet);
    return octet < 0x80 && left.test(char) ? char : `%${octet.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

/**
 * Characters that writers of JSON escape beyond what they must: Go's, PHP's, .NET's; and what is not ASCII,
 * as Python does.
 */
const ESCAPED_IN_JSON = [/(?!)/, /[<>&]/, /[<>&'"]/, /["&'+<>`]/] as const;

function jsonForms(secret: string): readonly string[] {
  return ESCAPED_IN_JSON.flatMap((escaped) =>
    [false, true].flatMap((isAscii) =>
      [false, true].flatMap((escapesSlash) => {
        const lower = jsonEscape(secret, { escaped, isAscii, escapesSlash });
        return [lower, lower.replaceAll(/\\u..../g, (escape) => `\\u${escape.slice(2).toUpperCase()}`)];
      }),
    ),
  );
}

interface JsonWriter {
  readonly escaped: RegExp;
  readonly isAscii: boolean;
  readonly escapesSlash: boolean;
}

function jsonEscape(text: string, { escaped, isAscii, escapesSlash }: JsonWriter): string {
  return text
    .split("")
    .map((char) => {
      if (escaped.test(char) || (isAscii && char > "\x7e"))
        return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
      if (char === "/") return escapesSlash ? String.raw`\/` : char;
      // Half of a pair: the other half is beside it.
      return char > "\x7e" ? char : JSON.stringify(char).slice(1, -1);
    })
    .join("");
}

/** Of Python; PHP; Go; mustache and its kin; XML. */
const MARKUP = [
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
] as const satisfies readonly Readonly<Record<string, string>>[];

function markupForms(secret: string): readonly string[] {
  return MARKUP.map((table: Readonly<Record<string, string>>) =>
    secret.replaceAll(/[&<>"'+/=`]/g, (char) => table[char] ?? char),
  );
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
