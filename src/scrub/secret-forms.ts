/**
 * The spellings in which a far end may send a secret back: as it is, in base64 wherever it begins there, in
 * hexadecimal digits, and as URLs, forms, JSON, HTML and XML have it.
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
  const plain = Buffer.from(secret);
  if (plain.length === 0) return [];
  const texts = [
    ...base64Forms(plain),
    ...hexForms(plain),
    ...percentForms(plain),
    ...jsonForms(secret),
    ...markupForms(secret),
    ...basicForms(secret),
  ];
  const spellings = texts.filter((text) => text.length >= SHORTEST_SPELLING);
  const distinct = new Set([plain.toString("latin1"), ...spellings.map(toOctets)]);
  return Array.from(distinct, (text) => Buffer.from(text, "latin1"));
}

function toOctets(text: string): string {
  return Buffer.from(text).toString("latin1");
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
function basicForms(secret: string): readonly string[] {
  const digits = /^basic +([\w+/-]+=*)$/i.exec(secret)?.[1];
  if (digits === undefined) return [];
  const said = Buffer.from(digits, "base64").toString();
  const password = said.slice(said.indexOf(":") + 1);
  return [said, password].filter((text) => text !== "").flatMap((text) => formsOf(text).map(String));
}
