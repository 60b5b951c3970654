/** Secrets in base64 and hexadecimal digits that have ends of lines in them. */
import { execFileSync } from "node:child_process";
import { array, assert, constantFrom, integer, nat, property, string as text, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import { createRedactor } from "../../src/scrub/redactor.ts";
import { findPlainly } from "./plain-escapes.ts";
import { coverPlainly, cut, runStream } from "./plain-models.ts";

const SECRET = "ghp_Ab12Cd34Ef56Gh78Ij90Kl12Mn34Op56>?>Qr";

/** What is left of a secret at each end: digits that depend on what stands around it. */
const MOST_LEFT = 4;

function redact(read: string, lengths: readonly number[] = [Math.max(read.length, 1)]): string {
  return runStream(createRedactor([SECRET]).openStream(), cut(read, lengths));
}

function wrap(digits: string, column: number, end: string): string {
  return digits.replaceAll(new RegExp(`.{${column}}(?=.)`, "g"), (line) => line + end);
}

/** Whether no eight digits of the secret's own are left. */
function isGone(given: string, own: string, end = ""): boolean {
  const left = given.replaceAll(end, "").replaceAll(/\[REDACTED\]|[^\w+/-]/g, "");
  return !Array.from({ length: own.length - 7 }, (_none, at) => own.slice(at, at + 8)).some((part) =>
    left.includes(part),
  );
}

/** A document with the secret so many octets in, and the digits that are the secret's alone. */
function encode(before: number, encoding: "base64" | "base64url" | "hex") {
  const document = Buffer.from(`${"{.~}".repeat(40).slice(0, before)}${SECRET}${"{~}".repeat(30)}`);
  const digits = document.toString(encoding);
  const perOctet = encoding === "hex" ? 2 : 4 / 3;
  const own = digits.slice(Math.ceil(before * perOctet), Math.floor((before + SECRET.length) * perOctet));
  return { digits, own };
}

const ENCODINGS = ["base64", "base64url", "hex"] as const;

/** As JSON, programs, URLs, forms, HTML and mail write the end of a line. */
const ESCAPED_ENDS =
  String.raw`\n \r\n \u000a \u000D\u000A \x0a %0A %0d%0a &#10; &#xA; &#13;&#10; &NewLine; =0A =0D=0A`
    .split(" ")
    .concat("=\n", "=\r\n");

describe.each(ENCODINGS)("a secret in %s", (encoding) => {
  test.each(ESCAPED_ENDS)("with the end of a line at any column, written %s", (end) => {
    for (const column of [1, 4, 20, 59, 60, 64, 76, 77])
      for (let before = 0; before < 100; before += 7) {
        const { digits, own } = encode(before, encoding);
        // A longer spelling than 8 octets for each of the secret's is not found.
        if ((1 + end.length / column) * (own.length / SECRET.length) > 8) continue;
        const given = redact(`{"content":"${wrap(digits, column, end)}"}`);
        expect(isGone(given, own, end)).toBe(true);
      }
  });

  test.each(["\n", "\r\n", "\n  ", "\r\n\t"])(
    "in lines that end with %j, however the stream is cut",
    (end) => {
      for (const column of [44, 57, 60, 64, 72, 76])
        for (let before = 0; before < 100; before += 7) {
          const { digits, own } = encode(before, encoding);
          const given = redact(`${wrap(digits, column, end)}\n`, [1 + before]);
          expect(isGone(given, own, end)).toBe(true);
        }
    },
  );
});

test("what others write in lines is taken out", () => {
  const script = `
import base64, json, sys, textwrap
from email.mime.application import MIMEApplication
secret = sys.argv[1].encode()
for before in range(0, 90, 5):
    document = b"{~.}" * 30
    document = document[:before] + b" " + secret + b" " + document
    print(base64.encodebytes(document).decode())
    print(json.dumps({"content": base64.encodebytes(document).decode()}))
    print(MIMEApplication(document).as_string())
    print(json.dumps({"content": "\\n".join(textwrap.wrap(base64.b64encode(document).decode(), 60))}))
    print(textwrap.fill(document.hex(), 60))
    print(json.dumps({"hex": textwrap.fill(document.hex(), 60)}))
`;
  const written = execFileSync("python3", ["-c", script, SECRET], { encoding: "latin1" });
  expect(written.length).toBeGreaterThan(10_000);
  for (let before = 0; before < 90; before += 5)
    for (const encoding of ["base64", "hex"] as const) {
      const document = `${"{~.}".repeat(30).slice(0, before)} ${SECRET} `;
      const perOctet = encoding === "hex" ? 2 : 4 / 3;
      const digits = Buffer.from(document).toString(encoding);
      const own = digits.slice(
        Math.ceil((before + 1) * perOctet) + MOST_LEFT,
        Math.floor((document.length - 1) * perOctet) - MOST_LEFT,
      );
      expect(isGone(redact(written, [1000]), own)).toBe(true);
    }
});

test("prose, words on lines of their own, and digits of other documents stay as they are", () => {
  const read = `${SECRET.slice(0, 20)}\n${SECRET.slice(20)}\nword\nanother\n${wrap("QUJD".repeat(90), 76, "\n")}\n`;
  expect(redact(read, [50])).toBe(read);
  expect(redact(JSON.stringify(read))).toBe(JSON.stringify(read));
});

const DIGITS = text({ unit: constantFrom("a", "b", "/", "+", "_"), minLength: 40, maxLength: 50 });
const ENDS = constantFrom("\n", "\r\n", "\r", "\n ", "\n\n", " ", "\\n", "%0A", "=\n", "&#10;", "=");
const SECRETS = array(text({ unit: constantFrom("a", "b", "/"), minLength: 3, maxLength: 9 }), {
  minLength: 1,
  maxLength: 2,
});

test("the same is taken out as by one that looks at the whole text, however the stream is cut", () => {
  const line = integer({ min: 0, max: 2 }).chain((kind) => (kind === 0 ? DIGITS : text({ maxLength: 3 })));
  assert(
    property(
      SECRETS,
      tuple(array(constantFrom(0, 1, 2), { minLength: 1, maxLength: 3 }), array(line, { maxLength: 3 })),
      array(nat(40), { minLength: 4, maxLength: 4 }),
      array(ENDS, { minLength: 6, maxLength: 6 }),
      array(nat(9), { minLength: 1, maxLength: 4 }),
      (secrets, [alignments, lines], places, ends, lengths) => {
        const digits = alignments
          .map((before, at) => Buffer.from("x".repeat(before) + (secrets[at % secrets.length] ?? "")))
          .map((octets, at) => octets.toString(at === 2 ? "hex" : "base64").replaceAll("=", ""))
          .join("");
        const read = Buffer.from(
          [...lines, digits, ...places.map((at) => digits.slice(at)), digits]
            .map((part, at) => part.padStart(at % 2 === 0 ? 46 : 0, "A") + (ends[at % ends.length] ?? ""))
            .join(""),
        ).toString("latin1");
        const wrapped = wrap(read, 30 + (places[0] ?? 0), ends[0] ?? "");
        const stream = createRedactor(secrets).openStream("stars");
        expect(runStream(stream, cut(wrapped, lengths))).toBe(
          coverPlainly(findPlainly(secrets, wrapped), wrapped, (length) => "*".repeat(length)),
        );
      },
    ),
  );
});
