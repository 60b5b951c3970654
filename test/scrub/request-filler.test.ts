import { describe, expect, test } from "vitest";
import { createRequestFiller, type RequestFiller } from "../../src/scrub/request-filler.ts";
import { createWatch } from "../../src/scrub/watch.ts";
import { cut, runStream } from "./plain-models.ts";

const TOKEN = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
const VALUE = 'a&b "c"/é';
const OTHER = "sk-ant-zyxwvutsrqponmlkjihgfedcba";

const everywhere = createRequestFiller(
  [{ placeholder: TOKEN, value: VALUE, places: ["path", "query", "header", "body"] }],
  createWatch([TOKEN, OTHER]),
);
const inHeaders = createRequestFiller(
  [{ placeholder: TOKEN, value: "s3cr3t", places: ["header"] }],
  createWatch([TOKEN, OTHER]),
);

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const latin1 = (text: string): string => Buffer.from(text).toString("latin1");

function fillBody(filler: RequestFiller, body: string, type?: string, lengths = [3]): string {
  const stream = filler.body(type, undefined)?.openStream();
  if (stream === undefined) throw new Error("refused");
  const filled = Buffer.from(runStream(stream, cut(latin1(body), lengths)), "latin1").toString();
  return stream.misplaced() === undefined ? filled : `misplaced: ${stream.misplaced()}`;
}

describe("a placeholder in its place becomes the value as the place wants it", () => {
  test("in the path and the query percent-encoded", () => {
    expect(everywhere.path(`/repos/${TOKEN}/x`).text).toBe("/repos/a%26b%20%22c%22%2F%C3%A9/x");
    expect(everywhere.query(`token=${TOKEN}&a=${TOKEN}`)).toMatchObject({ count: 2, misplaced: undefined });
  });

  test("in a header as it is, in UTF-8", () => {
    expect(everywhere.header("authorization", `Bearer ${TOKEN}`).text).toBe(latin1(`Bearer ${VALUE}`));
    expect(everywhere.header("x-api-key", TOKEN).text).toBe(latin1(VALUE));
  });

  test("in a header that its binding names, whatever that is", () => {
    const own = createRequestFiller(
      [{ placeholder: TOKEN, value: "s3cr3t", places: ["header"] }],
      createWatch([TOKEN]),
      new Set(["x-note"]),
    );
    expect(own.header("x-note", TOKEN)).toMatchObject({ text: "s3cr3t", misplaced: undefined });
    expect(own.header("x-title", TOKEN)).toMatchObject({ text: TOKEN, misplaced: TOKEN });
  });

  test("in what a Basic header's digits say", () => {
    const { text, count } = inHeaders.header("authorization", `Basic ${base64(`robot:${TOKEN}`)}`);
    expect([text, count]).toEqual([`Basic ${base64("robot:s3cr3t")}`, 1]);
    const without = `Basic ${base64("robot:password")}`;
    expect(inHeaders.header("authorization", without)).toEqual({
      text: without,
      count: 0,
      misplaced: undefined,
    });
  });

  test.each([
    ["application/json; charset=utf-8", String.raw`{"token":"a&b \"c\"/é"}`],
    ["application/problem+json", String.raw`{"token":"a&b \"c\"/é"}`],
    ["application/x-www-form-urlencoded", '{"token":"a%26b+%22c%22%2F%C3%A9"}'],
    ["text/plain", `{"token":"${VALUE}"}`],
    [undefined, `{"token":"${VALUE}"}`],
  ])("in a body of type %s", (type, expected) => {
    for (const length of [1, 2, 7, 1000])
      expect(fillBody(everywhere, `{"token":"${TOKEN}"}`, type, [length])).toBe(expected);
  });
});

describe("a placeholder anywhere else is misplaced", () => {
  const inFields = [
    "user-agent",
    "referer",
    "cookie",
    "origin",
    "accept",
    "content-type",
    "if-match",
    "proxy-authorization",
    "x-forwarded-for",
    "host",
    "traceparent",
    "x-amz-meta-note",
    "x-note",
  ];

  test.each(inFields)("in the header %s", (name) => {
    expect(everywhere.header(name, `a ${TOKEN} b`)).toMatchObject({ count: 0, misplaced: TOKEN });
  });

  test("in a path, query or body that its substitution does not name", () => {
    expect(inHeaders.path(`/${TOKEN}`).misplaced).toBe(TOKEN);
    expect(inHeaders.query(`token=${TOKEN}`).misplaced).toBe(TOKEN);
    for (const length of [1, 2, 13, 1000])
      expect(fillBody(inHeaders, `"${TOKEN}"`, "application/json", [length])).toBe(`misplaced: ${TOKEN}`);
  });

  test("if it is another secret's, which this request does not get", () => {
    expect(everywhere.header("authorization", `Bearer ${OTHER}`).misplaced).toBe(OTHER);
    expect(everywhere.header("authorization", `Basic ${base64(`robot:${OTHER}`)}`).misplaced).toBe(OTHER);
  });

  test.each([
    ["in base64", base64(`x:${TOKEN}`)],
    ["in hexadecimal digits", Buffer.from(TOKEN).toString("hex")],
    ["percent-encoded", Array.from(Buffer.from(TOKEN), (octet) => `%${octet.toString(16)}`).join("")],
  ])("spelled %s, in a place where it would be filled as it is", (_how, spelled) => {
    expect(everywhere.header("x-api-key", spelled).misplaced).toBe(TOKEN);
    expect(everywhere.query(`a=${spelled}`).misplaced).toBe(TOKEN);
    expect(fillBody(everywhere, spelled, "text/plain", [5])).toBe(`misplaced: ${TOKEN}`);
  });

  test("beside one that is filled", () => {
    expect(everywhere.header("x-token", `${TOKEN} ${base64(`x${TOKEN}`)}`)).toMatchObject({
      count: 1,
      misplaced: TOKEN,
    });
  });

  test("but what only comes to look like one, once another is filled, is none", () => {
    const filler = createRequestFiller(
      [{ placeholder: "__a__", value: "x", places: ["header"] }],
      createWatch(["__a__", "bcdef", OTHER]),
    );
    expect(filler.header("x-token", "bc__a__def")).toEqual({
      text: "bcxdef",
      count: 1,
      misplaced: undefined,
    });
    const echo = createRequestFiller(
      [{ placeholder: "__a__", value: OTHER, places: ["header"] }],
      createWatch(["__a__", OTHER]),
    );
    expect(echo.header("x-token", "__a__")).toEqual({ text: OTHER, count: 1, misplaced: undefined });
  });
});

describe("a body that is compressed", () => {
  test("is refused if a placeholder may have to be filled in it", () => {
    expect(everywhere.body("application/json", "gzip")).toBeUndefined();
    expect(everywhere.body("application/json", " Identity")).toBeDefined();
  });

  test("passes if none is", () => {
    expect(inHeaders.body("application/json", "gzip")).toBeDefined();
  });
});

test("what has no placeholder stays the same", () => {
  const text = latin1("/é?a=b");
  expect(everywhere.path(text)).toEqual({ text, count: 0, misplaced: undefined });
});
