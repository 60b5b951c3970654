import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMessageReader, type MessageReader } from "../../../src/relay/gate/message-reader.ts";
import { gateRequest } from "../../../src/relay/gate/request.ts";
import { request } from "./payloads.ts";

const HOST = "Host: api.example.org";
const CHUNKED = request("POST / HTTP/1.1", HOST, "Transfer-Encoding: chunked");

/** What a reader tells of requests, as lines. */
function readAll(
  parts: readonly Buffer[],
  use: (reader: MessageReader) => void = () => undefined,
): readonly string[] {
  const heard: string[] = [];
  let body: string | undefined;
  const reader = createMessageReader({
    head(head) {
      const gated = gateRequest(head, "https");
      heard.push(gated.kind === "refused" ? `refused ${gated.status}` : `${gated.method} ${gated.target}`);
      body = "";
      return gated.kind === "refused" ? undefined : gated.framing;
    },
    data(octets) {
      body = `${body ?? ""}${octets.toString("latin1")}`;
    },
    end(trailers) {
      heard.push(`body ${JSON.stringify(body)}${trailers.map(({ name }) => ` ${name}`).join("")}`);
      use(reader);
    },
    refused: ({ status }) => heard.push(`refused ${status}`),
  });
  for (const part of parts) reader.feed(part);
  heard.push(reader.finish());
  return heard;
}

function read(text: string): readonly string[] {
  return readAll([Buffer.from(text, "latin1")]);
}

describe("bodies in chunks", () => {
  test("extensions are dropped, trailers are told", () => {
    expect(read(`${CHUNKED}3;a="b"\r\nabc\r\nA \t;x\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n`)).toEqual([
      "POST /",
      'body "abc0123456789" X-T',
      "clean",
    ]);
  });

  test.each([
    ["a sign", "+3\r\nabc\r\n0\r\n\r\n"],
    ["0x", "0x3\r\nabc\r\n0\r\n\r\n"],
    ["a blank before", " 3\r\nabc\r\n0\r\n\r\n"],
    ["a blank behind", "3 \r\nabc\r\n0\r\n\r\n"],
    ["an underscore", "1_0\r\nabc\r\n0\r\n\r\n"],
    ["no digit", "\r\nabc\r\n0\r\n\r\n"],
    ["too many digits", "0000000000003\r\nabc\r\n0\r\n\r\n"],
    ["a bare LF", "3\nabc\r\n0\r\n\r\n"],
    ["a bare CR in an extension", "3;a\rb\r\nabc\r\n0\r\n\r\n"],
    ["a bare LF behind the data", "3\r\nabc\n0\r\n\r\n"],
    ["more data than the size", "3\r\nabcd\r\n0\r\n\r\n"],
    ["two octets of data for the line end", "3\r\nabcXX0\r\n\r\n"],
    ["a folded trailer", "0\r\nA: b\r\n c\r\n\r\n"],
    ["a trailer that ends with LF", "0\r\nA: b\n\r\n"],
    ["a trailer's name that is none", "0\r\nA : b\r\n\r\n"],
    ["an endless size line", `3;${"a".repeat(5000)}`],
    ["endless trailers", `0\r\n${"A: b\r\n".repeat(3000)}`],
  ])("a size with %s is refused", (_, body) => {
    expect(read(CHUNKED + body)).toContain("refused 400");
  });
});

describe("heads that never end", () => {
  test.each([
    ["lines that end with LF", "GET / HTTP/1.1\nHost: api.example.org\n\n", 400],
    ["a LF first", "\nGET", 400],
    ["a CR that ends no line", "GET / HTTP/1.1\rHost: x\r", 400],
    ["a NUL", "GET /\0", 400],
    ["more than 64 KiB", `GET /${"a".repeat(70_000)}`, 431],
    [
      "more than 256 fields",
      request("GET / HTTP/1.1", HOST, ...Array.from({ length: 257 }, () => "A: b")),
      431,
    ],
  ])("%s are refused at once", (_, text, status) => {
    expect(read(text)).toContain(`refused ${status}`);
    expect(readAll([...Buffer.from(text, "latin1")].map((octet) => Buffer.of(octet)))).toContain(
      `refused ${status}`,
    );
  });
});

describe("several messages on a connection", () => {
  const TWO = `${CHUNKED}3\r\nabc\r\n0\r\n\r\n${request("PUT /b HTTP/1.1", HOST, "Content-Length: 4")}wxyz${request("GET /c HTTP/1.1", HOST)}`;
  const HEARD = ["POST /", 'body "abc"', "PUT /b", 'body "wxyz"', "GET /c", 'body ""', "clean"];

  test("are told in their order", () => {
    expect(read(TWO)).toEqual(HEARD);
  });

  test("are the same however the octets are cut", () => {
    const octets = Buffer.from(TWO, "latin1");
    fc.assert(
      fc.property(fc.array(fc.nat(octets.length), { maxLength: 12 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), octets.length];
        const parts = places.slice(1).map((end, index) => octets.subarray(places[index], end));
        expect(readAll(parts)).toEqual(HEARD);
      }),
    );
  });

  test("wait while the reader is held", () => {
    expect(readAll([Buffer.from(TWO, "latin1")], (reader) => reader.hold())).toEqual([
      "POST /",
      'body "abc"',
      "cut",
    ]);
  });

  test("a body that is not whole at the end is cut", () => {
    expect(read(request("PUT /b HTTP/1.1", HOST, "Content-Length: 4") + "wx")).toEqual(["PUT /b", "cut"]);
  });
});
