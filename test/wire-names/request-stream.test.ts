import { array, constantFrom, integer, record, sample } from "fast-check";
import { describe, expect, test } from "vitest";
import { createRequestStream, type RequestStream } from "../../src/wire-names/request-stream.ts";

const get = (host: string, ...fields: readonly string[]): string =>
  ["GET / HTTP/1.1", `Host: ${host}`, ...fields, "", ""].join("\r\n");
const WEBSOCKET = get("example.org", "Connection: Upgrade", "Upgrade: websocket");
const CHUNKS = "4\r\nGET \r\n0a\r\n0123456789\r\n0\r\n\r\n";

/** Names of the heads, or why it was refused. */
function read(stream: RequestStream, text: string): readonly (string | undefined)[] | string {
  const outcome = stream.read(Buffer.from(text, "latin1"));
  return "kind" in outcome ? outcome.reason : outcome.heads.map(({ name }) => name);
}

describe("requests on one connection", () => {
  test.each([
    ["without bodies", get("a.example.org") + get("b.example.org")],
    ["behind a body", get("a.example.org", "Content-Length: 40") + "G".repeat(40) + get("b.example.org")],
    ["behind chunks", get("a.example.org", "Transfer-Encoding: chunked") + CHUNKS + get("b.example.org")],
    [
      "behind a body that looks like one",
      get("a.example.org", "Content-Length: 50") + get("c.example.org").padEnd(50) + get("b.example.org"),
    ],
  ])("%s are all read, however they are cut", (_, text) => {
    for (const size of [1, 2, 3, 7, 20, text.length]) {
      const stream = createRequestStream();
      const names: unknown[] = [];
      for (let at = 0; at < text.length; at += size) names.push(read(stream, text.slice(at, at + size)));
      expect(names.flat()).toEqual(["a.example.org", "b.example.org"]);
      expect(stream.size()).toBe(0);
    }
  });

  test.each([
    ["a chunk extension", "4;a=b\r\n"],
    ["a chunk's size with a sign", "+4\r\n"],
    ["a chunk's size of hexadecimal form", "0x4\r\n"],
    ["a chunk's size behind a blank", " 4\r\n"],
    ["no size", "\r\n"],
    ["a size past counting", "1234567890123"],
    ["a chunk's size that ends in LF", "4\n"],
    ["a chunk that is longer than its size", "4\r\n12345\r\n"],
    ["a chunk that ends in LF", "4\r\n1234\n"],
    ["a trailer", "0\r\nHost: example.net\r\n"],
  ])("are refused behind %s", (_, text) => {
    const stream = createRequestStream();
    read(stream, get("example.org", "Transfer-Encoding: chunked"));
    expect(typeof read(stream, text)).toBe("string");
  });

  test("of which one has asked for HTTP/2 go on in HTTP/1, and in nothing else", () => {
    const upgrading = get("a.example.org", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c");
    const stream = createRequestStream();
    expect(read(stream, upgrading + get("b.example.org"))).toEqual(["a.example.org", "b.example.org"]);
    const switching = createRequestStream();
    read(switching, upgrading);
    switching.answered("switches");
    expect(switching.isUpgraded()).toBe(false);
    expect(read(switching, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).toContain("odd form");
  });

  test("keep of a body nothing, and tell how much had to be read", () => {
    const stream = createRequestStream();
    const head = get("example.org", "Content-Length: 1000000");
    expect(stream.read(Buffer.from(`${head}${"x".repeat(999)}`))).toMatchObject({ readOctets: head.length });
    expect(stream.read(Buffer.alloc(900_000))).toEqual({ heads: [], readOctets: 0 });
    expect(stream.size()).toBe(0);
    expect(stream.read(Buffer.from(`${"x".repeat(1_000_000 - 900_999)}GET /`))).toEqual({
      heads: [],
      readOctets: 1_000_000 - 900_999 + 5,
    });
  });
});

describe("a WebSocket", () => {
  test("is open once the server has said so", () => {
    const stream = createRequestStream();
    read(stream, WEBSOCKET);
    expect(stream.isAsking()).toBe(true);
    stream.answered("incomplete");
    expect(stream.isUpgraded()).toBe(false);
    stream.answered("switches");
    expect(stream.isUpgraded()).toBe(true);
    expect(read(stream, get("example.net"))).toEqual([]);
  });

  test("that the server declines is a request like others", () => {
    const stream = createRequestStream();
    read(stream, WEBSOCKET);
    stream.answered("declines");
    expect(stream.isAsking()).toBe(false);
    stream.answered("switches");
    expect(stream.isUpgraded()).toBe(false);
    expect(read(stream, get("example.net"))).toEqual(["example.net"]);
  });

  test("has nothing to say before", () => {
    expect(read(createRequestStream(), WEBSOCKET + get("example.net"))).toContain("has not agreed");
  });

  test("begins with the first request, for the answer of another could look like its own", () => {
    expect(read(createRequestStream(), get("example.org") + WEBSOCKET)).toContain("behind other requests");
    const stream = createRequestStream();
    read(stream, get("example.org"));
    expect(read(stream, WEBSOCKET)).toContain("behind other requests");
  });
});

test("random pieces never throw, and what is kept stays within a head", () => {
  const piece = constantFrom(
    get("a.example.org"),
    WEBSOCKET,
    CHUNKS,
    "0\r\n",
    "\r\n",
    "GET /",
    "\0",
    get("b.example.org", "Transfer-Encoding: chunked"),
  );
  const pieces = array(record({ text: piece, cut: integer({ min: 0, max: 60 }) }), { maxLength: 8 });
  const sizes = sample(pieces, 2000).map((list) => {
    const stream = createRequestStream();
    list.every(
      ({ text, cut }) => typeof read(stream, text.slice(0, cut === 0 ? text.length : cut)) !== "string",
    );
    return stream.size();
  });
  expect(Math.max(...sizes)).toBeLessThan(16_384);
});
