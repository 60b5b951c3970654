import { array, assert, constantFrom, nat, property, string as text } from "fast-check";
import { describe, expect, test } from "vitest";
import { createRedactor } from "../../src/scrub/redactor.ts";
import { findPlainly } from "./plain-escapes.ts";
import { coverPlainly, cut, runStream } from "./plain-models.ts";

const SECRET = 'gh/p+"s3 crét=';

const LETTER = constantFrom("a", "b", "%", "2");
const secretText = text({ unit: LETTER, minLength: 1, maxLength: 9 });

/** What others make of a text, by their own means. */
const SPELLINGS: Readonly<Record<string, (secret: string) => string>> = {
  "as it is": (secret) => secret,
  "in a JSON string": (secret) => JSON.stringify(secret).slice(1, -1),
  "in JSON as Python writes it": () => String.raw`gh/p+\"s3 cr\u00e9t=`,
  "in JSON as PHP writes it": () => String.raw`gh\/p+\"s3 cr\u00e9t=`,
  "in JSON as .NET writes it": () => String.raw`gh/p\u002B\u0022s3 cr\u00E9t=`,
  "by encodeURIComponent": encodeURIComponent,
  "by encodeURI": encodeURI,
  "percent-encoded in lower case": (secret) =>
    encodeURIComponent(secret).replaceAll(/%../g, (one) => one.toLowerCase()),
  "in a form": (secret) => new URLSearchParams({ a: secret }).toString().slice(2),
  "in a URL's query": (secret) => new URL(`https://example.org/?${secret}`).search.slice(1),
  "in base64": (secret) => Buffer.from(secret).toString("base64"),
  "in base64, one octet in": (secret) => Buffer.from(`x${secret}y`).toString("base64"),
  "in base64, two octets in": (secret) => Buffer.from(`xy${secret}`).toString("base64"),
  "in base64url": (secret) => Buffer.from(`>>?${secret}>`).toString("base64url"),
  "in hexadecimal digits": (secret) => Buffer.from(secret).toString("hex"),
  "in capital hexadecimal digits": (secret) => Buffer.from(secret).toString("hex").toUpperCase(),
  "in HTML": () => "gh/p+&quot;s3 crét=",
  "in HTML as Go writes it": () => "gh/p&#43;&#34;s3 crét=",
  "in HTML as mustache writes it": () => "gh&#x2F;p+&quot;s3 crét&#x3D;",
  "in JSON of a server that takes headers for Latin-1": (secret) =>
    JSON.stringify(Buffer.from(secret).toString("latin1")).slice(1, -1),
  "in JSON of such a server as Python writes it": () => String.raw`gh/p+\"s3 cr\u00c3\u00a9t=`,
  "percent-encoded to the last octet": (secret) =>
    Array.from(Buffer.from(secret), (one) => `%${one.toString(16).padStart(2, "0")}`).join(""),
};

function inStream(
  secrets: readonly string[],
  read: string,
  lengths: readonly number[] = [read.length],
): string {
  const octets = Buffer.from(read).toString("latin1");
  return Buffer.from(
    runStream(createRedactor(secrets).openStream(), cut(octets, lengths)),
    "latin1",
  ).toString();
}

describe("a secret that the far end sends back", () => {
  test.each(Object.entries(SPELLINGS))("%s is taken out", (_how, spell) => {
    const spelled = spell(SECRET);
    expect(spelled.length).toBeGreaterThan(10);
    expect(inStream([SECRET], `{"echo":"${spelled}"}`)).toMatch(
      /^\{"echo":"[^"]{0,4}\[REDACTED\][^"]{0,4}"\}$/,
    );
    expect(inStream([SECRET], `${spelled}\n${spelled}`)).not.toContain(spelled.slice(4, 12));
  });

  test("in base64 leaves no more than the digits that it shares with what stands around it", () => {
    for (const before of ["", "a", "ab", "abc", "user:"]) {
      const digits = Buffer.from(`${before}s3cr3t-t0ken-value`).toString("base64");
      const left = inStream(["s3cr3t-t0ken-value"], digits).replace("[REDACTED]", "");
      expect(left.length).toBeLessThanOrEqual(Math.ceil((before.length * 8) / 6) + 4);
    }
  });

  test("as a Basic header's password, alone or with its user, is taken out", () => {
    const header = `Basic ${Buffer.from("robot:s3cr3t-passw0rd").toString("base64")}`;
    expect(inStream([header], "is robot:s3cr3t-passw0rd, or s3cr3t-passw0rd")).toBe(
      "is [REDACTED], or [REDACTED]",
    );
  });

  test.each([
    ["Bearer s3cr3t-t0ken", "is s3cr3t-t0ken", "is [REDACTED]"],
    ["Bot s3cr3t-t0ken", `is ${Buffer.from("s3cr3t-t0ken").toString("hex")}`, "is [REDACTED]"],
    [
      "session=s3cr3t-t0ken; lang=en",
      '{"session":"s3cr3t-t0ken","lang":"en"}',
      '{"session":"[REDACTED]","lang":"en"}',
    ],
    ['Token token="s3cr3t-t0ken"', "is s3cr3t-t0ken", "is [REDACTED]"],
    ["hello world", "hello, world", "hello, world"],
    ["czNjcjN0LXQwa2Vu==", "czNjcjN0LXQwa2V", "czNjcjN0LXQwa2V"],
  ])("of which a part is shown alone: %s in %s", (secret, read, expected) => {
    expect(inStream([secret], read)).toBe(expected);
  });

  test("in UTF-16, whichever octet is first, is taken out", () => {
    const octets = Buffer.from("is s3cr3t-t0ken.", "utf16le");
    for (const given of [octets.toString("latin1"), octets.swap16().toString("latin1")]) {
      const left = createRedactor(["s3cr3t-t0ken"]).redact(given).replaceAll("\0", "");
      expect(left).toBe("is [REDACTED].");
    }
  });

  test("in a header's value is taken out; what has none stays the same", () => {
    const redactor = createRedactor([SECRET, "other-secret"]);
    expect(redactor.redact("https://other.example.org/?token=other-secret&a=1")).toBe(
      "https://other.example.org/?token=[REDACTED]&a=1",
    );
    expect(redactor.redact(Buffer.from(SECRET).toString("latin1"))).toBe("[REDACTED]");
    expect(redactor.redact("text/plain; oth\u00e9r")).toBe("text/plain; oth\u00e9r");
  });
});

describe("secrets within, beside and over each other", () => {
  test.each([
    [["abc", "abcdef"], "xabcdefx", "x[REDACTED]x"],
    [["abc", "abcdef"], "xabcdex", "x[REDACTED]dex"],
    [["abcd", "cdef"], "xabcdefx", "x[REDACTED]x"],
    [["abab"], "xababababx", "x[REDACTED]x"],
    [["abc"], "abcabc abc", "[REDACTED] [REDACTED]"],
    [["RED"], "RED", "[REDACTED]"],
    [["x"], "axb", "a[REDACTED]b"],
    [[], "anything", "anything"],
  ])("%j in %s: %s", (secrets, read, expected) => {
    for (let length = 1; length <= read.length; length += 1)
      expect(inStream(secrets, read, [length])).toBe(expected);
  });
});

test("with stars, everything keeps its place", () => {
  const stream = createRedactor(["secret"]).openStream("stars");
  expect(runStream(stream, cut("a secret, secretsecret", [3]))).toBe("a ******, ************");
});

describe("as one that looks at the whole text at once", () => {
  const chunks = array(nat(5), { minLength: 1, maxLength: 4 });

  test.each([
    ["word", (): string => "[REDACTED]"],
    ["stars", (length: number): string => "*".repeat(length)],
  ] as const)("it gives the same, however the stream is cut: %s", (fill, plainFill) => {
    assert(
      property(
        array(secretText, { maxLength: 4 }),
        text({ unit: LETTER, maxLength: 80 }),
        chunks,
        (secrets, read, lengths) => {
          const found = findPlainly(secrets, read);
          const stream = createRedactor(secrets).openStream(fill);
          expect(runStream(stream, cut(read, lengths))).toBe(coverPlainly(found, read, plainFill));
        },
      ),
    );
  });
});

describe("what is held back", () => {
  const secret = "s3cr3t-t0ken";

  test("an event is passed on at once, whole", () => {
    const stream = createRedactor([secret]).openStream();
    for (const event of [
      "data: {}\n\n",
      ": ping\n\n",
      `data: ${secret}\n\n`,
      "data: nothing here is secret\n\n",
    ]) {
      expect(String(stream.push(Buffer.from(event)))).toBe(event.replace(secret, "[REDACTED]"));
    }
  });

  test("of a line that has not ended, as much as a spelling may have, and no more", () => {
    const stream = createRedactor([secret]).openStream();
    const [longest] = createRedactor([secret]).finders.map((finder) => finder.longest);
    expect(String(stream.push(Buffer.from("a line\nanother")))).toBe("a line\n");
    const given = String(stream.push(Buffer.from("~".repeat(1000))));
    expect(given).toBe(`another${"~".repeat(1000 - (longest ?? 0) + 1)}`);
    expect(String(stream.push(Buffer.from("\n")))).toBe(`${"~".repeat((longest ?? 0) - 1)}\n`);
  });

  test("nothing behind a line's end, also where it came in pieces, but behind a soft line break", () => {
    const stream = createRedactor([secret]).openStream();
    const given = ["a=", "\n", "b=\r", "\n", "c\r", "\n", "=\n\n", "x"].map((chunk) =>
      String(stream.push(Buffer.from(chunk))),
    );
    expect(given).toEqual(["", "", "", "", "", "a=\nb=\r\nc\r\n", "=\n\n", ""]);
  });

  test("a line of 44 digits or more, until it is known what follows", () => {
    const stream = createRedactor([secret]).openStream();
    const [line, id] = ["A".repeat(43), "123e4567-e89b-12d3-a456-426614174000"];
    const given = [`id ${id}\n`, `${line}\n`, `${line}/`, "\r", "\n", "\r\n", ` ${line}-\n`, "}\n"].map(
      (chunk) => String(stream.push(Buffer.from(chunk))),
    );
    expect(given).toEqual([`id ${id}\n`, `${line}\n`, "", "", "", `${line}/\r\n\r\n`, "", ` ${line}-\n}\n`]);
  });

  test("no part of a multipart body whose delimiter has come, in pieces too", () => {
    const stream = createRedactor([secret]).openStream("word", { delimiter: "--b" });
    const given = ["{}\r\n--b", "\r\n", "{}\r\n", "--", "b", "b\r\n", "x--b", "\n--b--"].map((chunk) =>
      String(stream.push(Buffer.from(chunk))),
    );
    expect(given).toEqual(["{}\r\n--b", "\r\n", "{}\r\n", "", "--b", "b\r\n", "", "x--b\n"]);
  });

  test("across lines, if a secret has several", () => {
    const stream = createRedactor(["line one\nline two"]).openStream();
    expect(String(stream.push(Buffer.from("line one\n")))).toBe("");
    expect(String(stream.push(Buffer.from("line two")))).toBe("");
    expect(String(stream.end())).toBe("[REDACTED]");
  });

  test("a chunk that ends a line, without any of it, is passed on as it is, uncopied", () => {
    const chunk = Buffer.from("nothing\n");
    const { buffer, byteOffset } = createRedactor([secret]).openStream().push(chunk);
    expect([buffer === chunk.buffer, byteOffset]).toEqual([true, chunk.byteOffset]);
  });

  test("says nothing of a secret: as much is given of a text whatever the secret is", () => {
    const letters = text({ unit: constantFrom("s", "3", "c", "\n", "="), maxLength: 30 });
    assert(
      property(array(letters, { maxLength: 12 }), (chunks) => {
        const [one, other] = ["s3cs3cs3c!", "qqqqqqqqq!"].map((name) => {
          const stream = createRedactor([name]).openStream();
          return [...chunks.map((chunk) => stream.push(Buffer.from(chunk)).length), stream.end().length];
        });
        expect(one).toEqual(other);
      }),
      { numRuns: 300 },
    );
  });
});

test("a secret of 64 KiB is found, cut anywhere, and one that almost ends is passed on", () => {
  const secret = Array.from({ length: 8_192 }, (_none, index) => index.toString(16).padStart(7, "0")).join(
    "-",
  );
  const redactor = createRedactor([secret]);
  const read = `a${secret}b${secret.slice(0, -1)}c`;
  for (const length of [1, 4_096, read.length])
    expect(runStream(redactor.openStream(), cut(read, [length]))).toBe(`a[REDACTED]b${secret.slice(0, -1)}c`);
});
