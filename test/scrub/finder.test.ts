import { execFileSync } from "node:child_process";
import { array, assert, constantFrom, nat, property, string as text } from "fast-check";
import { describe, expect, test } from "vitest";
import { runToEnd } from "../../src/policy/steps.ts";
import { finderSteps } from "../../src/scrub/finder.ts";
import { findPlainly, type Pick, PLAIN_FAMILIES, type PlainStretch, writeEscaped } from "./plain-escapes.ts";
import { cut } from "./plain-models.ts";

const [AWS, BASE64, KEY] = [
  "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLE9key",
  "c2VjcmV0LXZhbHVlLWhlcmU/YWJj+ZGVmZw==",
  "sk-ant-api03-AbCdEf_012345-xyz",
] as const;
const SECRETS = [AWS, BASE64, KEY];

function find(
  secrets: readonly string[],
  read: string,
  lengths: readonly number[] = [Math.max(read.length, 1)],
): readonly PlainStretch[] {
  const finding = runToEnd(finderSteps(secrets)).open();
  const found: PlainStretch[] = [];
  for (const piece of cut(read, lengths)) finding.read(piece, (start, end) => found.push({ start, end }));
  return found;
}

/** Whether it is in a stretch, for each octet. */
function cover(stretches: readonly PlainStretch[], length: number): string {
  const covered = Array.from({ length }, () => ".");
  for (const { start, end } of stretches) covered.fill("#", start, end);
  return covered.join("");
}

const latin1 = (given: string): string => Buffer.from(given).toString("latin1");

/** What is left of a text besides what is found. */
function leave(secrets: readonly string[], read: string): string {
  const octets = latin1(read);
  const covered = cover(find(secrets, octets), octets.length);
  return Array.from(octets, (char, at) => (covered[at] === "#" ? "" : char)).join("");
}

const escapeBy = (chars: RegExp, spell: (char: string) => string) => (secret: string) =>
  secret.replaceAll(chars, spell);
const codeOf = (char: string): string => char.charCodeAt(0).toString(16).toUpperCase();
const percent = (char: string): string => `%${codeOf(char).padStart(2, "0")}`;
const unicode = (char: string): string => String.raw`\u${codeOf(char).padStart(4, "0")}`;

/** As each writes the characters that it does not leave as they are. */
const WRITERS: Readonly<Record<string, (secret: string) => string>> = {
  "Python's urllib.parse.quote": escapeBy(/[^\w.~/-]/g, percent),
  "Go's url.PathEscape": escapeBy(/[^\w.~$&+=:@-]/g, percent),
  "Go's url.QueryEscape": escapeBy(/[^\w.~-]/g, percent),
  Razor: escapeBy(/[^\w./=?-]/g, (char) => `&#x${codeOf(char)};`),
  "serialize-javascript": escapeBy(/[<>/]/g, unicode),
  Handlebars: escapeBy(/[&<>"'`=]/g, (char) => `&#x${codeOf(char)};`),
  Tera: escapeBy(/\//g, () => "&#x2F;"),
  Gson: escapeBy(/[=&<>']/g, (char) => unicode(char).toLowerCase()),
  "Django's escapejs": escapeBy(/[-=;&<>`'"\\]/g, unicode),
  "PHP's json_encode": escapeBy(/\//g, () => String.raw`\/`),
  "a writer of quoted-printable": escapeBy(/=/g, () => "=3D"),
  "one of lines of 20 octets": (secret) =>
    secret.replaceAll("=", "=3D").replaceAll(/(.{17}[^=]{3})(?=.)/g, "$1=\r\n"),
  "OWASP's encodeForHTML": escapeBy(/\W/g, (char) => `&#x${codeOf(char).toLowerCase()};`),
  "OWASP's encodeForHTMLAttribute": escapeBy(/[^\w,.-]/g, (char) => `&#x${codeOf(char)};`),
  "he, that uses names": escapeBy(
    /[/+=_]/g,
    (char) => ({ "/": "&sol;", "+": "&plus;", "=": "&equals;", _: "&lowbar;" })[char] ?? "",
  ),
  "one with zeros and without ends": escapeBy(/[+=](?!\d)/g, (char) => `&#00${char.charCodeAt(0)}`),
  "one of strings that escapes octets": escapeBy(
    /\W/g,
    (char) => String.raw`\x${codeOf(char).toLowerCase()}`,
  ),
  "one that takes every character": escapeBy(/[^]/g, (char) => `&#${char.charCodeAt(0)};`),
};

describe("a secret with characters that a writer escapes, and with others that it leaves", () => {
  test.each(Object.entries(WRITERS))("is found as %s has it", (_name, write) => {
    const written = SECRETS.map(write);
    expect(written).not.toEqual(SECRETS);
    expect(leave(SECRETS, written.map((one) => `<${one}>`).join("\n"))).toBe("<>\n<>\n<>");
  });

  test("is found as Python's own library writes it", () => {
    const script = `
import html, json, quopri, sys, urllib.parse
for secret in sys.argv[1:]:
    print("<%s>" % urllib.parse.quote(secret))
    print("<%s>" % urllib.parse.quote_plus(secret))
    print("<%s>" % html.escape(secret))
    print("<%s>" % json.dumps(secret)[1:-1])
    print("<%s>" % quopri.encodestring(secret.encode()).decode())
`;
    const secrets = [...SECRETS, `"it's" <a&b> 50% ${AWS} crét=😀\t/\\`, KEY.repeat(4)];
    const written = execFileSync("python3", ["-c", script, ...secrets], { encoding: "utf8" });
    expect(written.length).toBeGreaterThan(1_000);
    expect(leave(secrets, written)).toBe("<>\n".repeat(5 * secrets.length));
  });

  test("is found in base64 whose own signs are escaped", () => {
    const secret = "s3cr3t>>>???~~~";
    const digits = Buffer.from(secret).toString("base64");
    expect(digits).toMatch(/[+/]/);
    for (const escaped of [encodeURIComponent(digits), digits.replaceAll(/[+/]/g, unicode)])
      expect(leave([secret], `<${escaped}>`)).toBe("<>");
  });
});

/** The texts that are found, whole and an octet at a time. */
function findTexts(secrets: readonly string[], read: string): readonly string[] {
  const whole = cover(find(secrets, read), read.length);
  expect(cover(find(secrets, read, [1]), read.length)).toBe(whole);
  return Array.from(whole.matchAll(/#+/g), ({ 0: run, index }) => read.slice(index, index + run.length));
}

describe("at the edges", () => {
  const digits = Buffer.from("s3cr3t-t0ken").toString("base64");

  test.each([
    ["an escape at the beginning", "a/bcd", "x%61/bcdx", ["%61/bcd"]],
    ["an escape at the end", "a/bcd", "xa/bc%64x", ["a/bc%64"]],
    [
      "base64 with an escape at its beginning",
      "s3cr3t-t0ken",
      `x%63${digits.slice(1)}`,
      [`%63${digits.slice(1)}`],
    ],
    ["no escape in front, the octets of which begin the secret", "4x/y", "%4x%2Fy", ["4x%2Fy"]],
    ["a name that is none in front", "a4/bc", "&a4&#47;bc", ["a4&#47;bc"]],
    ["a reference that may end early", "a/b4", "a&#47;b&#5297;", ["a&#47;b&#52"]],
    ["a reference that may end early, and what follows", "a/bd", "a&#47;b&#1000;", ["a&#47;b&#100"]],
    ["a name without its end", "a/b<", "a&#47;b&ltx", ["a&#47;b&lt"]],
    ["halves of a pair with something between", "a😀bc", String.raw`a\ud83d\n\ude00bc`, []],
    ["half of a pair that is none", "ude00/x", String.raw`\ud83d\n\ude00\/x`, [String.raw`ude00\/x`]],
    ["a pair, the first half twice", "a😀bc", String.raw`\x61\ud83d\ud83d\ude00bc`, []],
    ["carriage returns before a line's end", "abcdef", "abc=\r\r\ndef abc=\r\ndef", ["abc=\r\ndef"]],
    ["nine digits", "a/bcd", "a&#000000047;bcd", []],
    ["fewer octets than five", "ab", "%61b", []],
    ["hexadecimal digits with an escape", "abcdef", "61626%33646566", ["61626%33646566"]],
  ])("%s", (_what, secret, read, expected) => {
    expect(findTexts([secret], read)).toEqual(expected);
  });

  test("what is told has no more octets than a spelling may", () => {
    const finder = runToEnd(finderSteps(["abcde"]));
    expect(finder.longest).toBe(40);
    expect(
      findTexts(["abcde"], Array.from("abcde", (char) => `&#x00${codeOf(char)};`).join("")),
    ).toHaveLength(1);
    expect(findTexts(["abcde"], Array.from("abcde", (char) => `&#x000${codeOf(char)};`).join(""))).toEqual(
      [],
    );
  });

  test("a long secret is found, all of its characters escaped", () => {
    const secret = Array.from({ length: 500 }, (_none, index) => index.toString(36)).join("/");
    const spelled = Array.from(secret, percent).join("");
    expect(findTexts([secret], `${spelled.slice(3)} ${spelled} ${spelled.slice(0, -3)}`)).toEqual([spelled]);
  });
});

const numbers = array(nat(), { minLength: 8, maxLength: 60 });
const chunks = array(nat(9), { minLength: 1, maxLength: 4 });

function pickFrom(given: readonly number[]): Pick {
  let turn = 0;
  return (below) => (given[turn++ % given.length] ?? 0) % below;
}

const CHARACTERS = Array.from("a41/+=-_ \"&<%\\#;é😀\nxX'");
/** Beginnings and ends of escapes, and what they stand for. */
const SIGNS = [
  ...'a41/<;%\\&="\n\r'.split(""),
  "%41 %3 \\u 0061 \\x61 \\/ \\ud83d \\ude00 &# &#52 97 &lt &amp; &#x61 &#0000 =34 =61 =\r\n".split(" "),
].flat();

describe.each(Object.entries(PLAIN_FAMILIES))("escapes: %s", (_name, family) => {
  test("each character in any way is found, nothing beside it is, however the stream is cut", () => {
    assert(
      property(
        text({ unit: constantFrom(...CHARACTERS), minLength: 5, maxLength: 12 }),
        numbers,
        chunks,
        (secret, given, lengths) => {
          const spelled = latin1(writeEscaped(secret, family, pickFrom(given)));
          const read = `zzzzz${spelled}zzzzz`;
          expect(cover(find([secret], read, lengths), read.length)).toBe(
            `.....${"#".repeat(spelled.length)}.....`,
          );
        },
      ),
    );
  });

  test("those of a text without the secret are none of it", () => {
    assert(
      property(text({ maxLength: 60 }), numbers, chunks, (words, given, lengths) => {
        const read = latin1(writeEscaped(words, family, pickFrom(given)));
        expect(find(SECRETS, read, lengths)).toEqual([]);
      }),
    );
  });

  test("the same is found as by one that looks at each place of the whole text", () => {
    assert(
      property(
        array(text({ unit: constantFrom(...Array.from("a41/<&%=\\😀")), minLength: 1, maxLength: 6 }), {
          minLength: 1,
          maxLength: 3,
        }),
        text({ unit: constantFrom(...SIGNS), maxLength: 30 }),
        chunks,
        (secrets, read, lengths) => {
          const octets = latin1(read);
          expect(cover(find(secrets, octets, lengths), octets.length)).toBe(
            cover(findPlainly(secrets, octets), octets.length),
          );
        },
      ),
    );
  });
});
