import { describe, expect, test } from "vitest";
import { readFirstOctets } from "../../src/wire-names/first-octets.ts";
import type { Shown } from "../../src/wire-names/shown.ts";

const HOST = "Host: example.org";
const head = (...lines: readonly string[]): string => [...lines, "", ""].join("\r\n");
const get = (...fields: readonly string[]): string => head("GET / HTTP/1.1", ...fields);
const read = (text: string): Shown => readFirstOctets(Buffer.from(text, "latin1"));
const http = (
  name: string | undefined,
  text: string,
  body: unknown = { kind: "length", octets: 0 },
): unknown => ({
  kind: "http",
  name,
  end: text.length,
  body,
});

describe("a request's Host", () => {
  test.each([
    ["as written by clients", get(HOST, "Accept: */*"), "example.org"],
    ["in letters of both cases", get("hOsT:\tExample.ORG \t"), "example.org"],
    ["with a port", get("Host: example.org:8080"), "example.org"],
    ["with a trailing dot", get("Host: example.org."), "example.org"],
    ["of an absolute target", head("GET http://example.org/a HTTP/1.1", HOST), "example.org"],
    ["of HTTP/1.0", head("GET / HTTP/1.0", HOST), "example.org"],
    ["with a method of somebody's own", head("x-Purge /a HTTP/1.1", HOST), "example.org"],
    ["of a request for the server itself", head("OPTIONS * HTTP/1.1", HOST), "example.org"],
    ["beside fields beyond ASCII", get(HOST, "X: \u00e4"), "example.org"],
    ["that is an IPv4 address", get("Host: 192.0.2.1:80"), undefined],
    ["that is an IPv6 address", get("Host: [2001:db8::1]:80"), undefined],
    ["missing in HTTP/1.0", head("GET / HTTP/1.0"), undefined],
  ])("%s", (_, text, name) => {
    expect(read(text)).toEqual(http(name, text));
    expect(read(`${text}GET /next`)).toEqual(http(name, text));
    for (let length = 0; length < text.length; length++)
      expect(read(text.slice(0, length))).toEqual({ kind: "incomplete", name: undefined });
  });

  test.each([
    ["there twice", get(HOST, HOST), "two Host"],
    ["missing in HTTP/1.1", get("Accept: */*"), "without Host"],
    ["empty", get("Host:"), "Host that is none"],
    ["with a user", get("Host: example.org@example.net"), "Host that is none"],
    ["with a path", get("Host: example.org/a"), "Host that is none"],
    ["with two ports", get("Host: example.org:80:80"), "Host that is none"],
    ["a list", get("Host: example.org, example.net"), "Host that is none"],
    ["an address of an odd form", get("Host: 0x7f.1"), "Host that is none"],
    ["an address in brackets of the other family", get("Host: [192.0.2.1]"), "Host that is none"],
    ["another than the target's", head("GET http://example.net/ HTTP/1.1", HOST), "differ"],
    ["another than the target's by its port", head("GET http://example.org:81/ HTTP/1.1", HOST), "differ"],
    ["another than the target's by a user", head("GET http://a@example.org/ HTTP/1.1", HOST), "differ"],
    ["a proxy's", head("CONNECT example.org:443 HTTP/1.1", HOST), "CONNECT example.org:443): allow the"],
    ["a proxy's to IPv6", head("CONNECT [2001:db8::1]:443 HTTP/1.1", HOST), "(CONNECT [2001:db8::1]:443)"],
    [
      "a proxy's of an odd form",
      head(`CONNECT ${"a".repeat(300)}"; HTTP/1.1`, HOST),
      "proxy (CONNECT): allow",
    ],
    ["behind a target of another scheme", head("GET ftp://example.org/ HTTP/1.1", HOST), "odd form"],
    ["behind a target that is no path", head("GET a HTTP/1.1", HOST), "odd form"],
    ["behind an asterisk", head("GET * HTTP/1.1", HOST), "odd form"],
  ])("is refused: %s", (_, text, reason) => {
    expect(read(text)).toEqual({ kind: "refused", reason: expect.stringContaining(reason) });
  });
});

describe("a head is refused at the first octet that is wrong:", () => {
  test.each([
    ["lines that end in LF", "GET / HTTP/1.1\nHost"],
    ["a field line that ends in LF", `GET / HTTP/1.1\r\n${HOST}\n`],
    ["a bare CR", "GET / HTTP/1.1\rHost"],
    ["a bare CR in a field", `GET / HTTP/1.1\r\nA: b\r${HOST}`],
    ["a zero octet", "GET / HTTP/1.1\r\nA: \0"],
    ["a folded line", `GET / HTTP/1.1\r\n${HOST}\r\n a\r\n`],
    ["a blank ahead of the colon", "GET / HTTP/1.1\r\nHost : example.org\r\n"],
    ["a line without a colon", "GET / HTTP/1.1\r\nHost\r\n"],
    ["a field without a name", "GET / HTTP/1.1\r\n: example.org\r\n"],
    ["two blanks in the request line", "GET  / HTTP/1.1\r\n"],
    ["a tab in the request line", "GET\t/ HTTP/1.1\r\n"],
    ["a blank behind the version", "GET / HTTP/1.1 \r\n"],
    ["a blank in the target", "GET /a b HTTP/1.1\r\n"],
    ["letters beyond ASCII in the target", "GET /\u00e4 HTTP/1.1\r\n"],
    ["another version", "GET / HTTP/1.2\r\n"],
    ["a version in small letters", "GET / http/1.1\r\n"],
    ["HTTP/3 in text", "GET / HTTP/3\r\n"],
    ["more than 16,384 octets", `GET / HTTP/1.1\r\nA: ${"b".repeat(16_384)}`],
  ])("%s", (_, text) => {
    expect(read(text).kind).toBe("refused");
  });
});

describe("what follows a head", () => {
  test.each([
    ["nothing", [], { kind: "length", octets: 0 }],
    ["a body", ["Content-Length: 12"], { kind: "length", octets: 12 }],
    ["chunks", ["Transfer-Encoding: Chunked"], { kind: "chunked" }],
    ["a WebSocket", ["Connection: Upgrade", "Upgrade: websocket"], { kind: "websocket" }],
    [
      "HTTP/1 still, if HTTP/2 is asked for",
      ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"],
      { kind: "length", octets: 0 },
    ],
  ])("%s", (_, fields, body) => {
    const text = get(HOST, ...fields);
    expect(read(text)).toEqual(http("example.org", text, body));
  });

  test.each([
    ["two lengths", ["Content-Length: 1", "Content-Length: 1"]],
    ["a list of lengths", ["Content-Length: 1, 1"]],
    ["a length with a sign", ["Content-Length: +1"]],
    ["an empty length", ["Content-Length:"]],
    ["a length in hexadecimal digits", ["Content-Length: 0x1"]],
    ["a length past counting", ["Content-Length: 9999999999999999"]],
    ["a length and chunks", ["Content-Length: 1", "Transfer-Encoding: chunked"]],
    ["chunks twice", ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]],
    ["another coding", ["Transfer-Encoding: gzip, chunked"]],
    ["a coding that some take for chunked", ["Transfer-Encoding: xchunked"]],
    ["an upgrade to HTTP/2 with a body", ["Upgrade: h2c", "Content-Length: 9"]],
    ["an upgrade to HTTP/2 with chunks", ["Upgrade: h2c", "Transfer-Encoding: chunked"]],
    ["a choice of upgrades", ["Upgrade: h2c, websocket"]],
    ["two upgrades", ["Upgrade: websocket", "Upgrade: websocket"]],
    ["TLS", ["Upgrade: TLS/1.0"]],
    ["an upgrade with a body", ["Upgrade: websocket", "Content-Length: 1"]],
  ])("is refused: %s", (_, fields) => {
    expect(read(get(HOST, ...fields)).kind).toBe("refused");
  });

  test("no chunks follow a request of HTTP/1.0", () => {
    expect(read(head("POST / HTTP/1.0", HOST, "Transfer-Encoding: chunked")).kind).toBe("refused");
  });
});
