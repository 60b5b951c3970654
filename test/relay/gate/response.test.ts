import { describe, expect, test } from "vitest";
import { readHead } from "../../../src/relay/gate/head.ts";
import { gateResponse } from "../../../src/relay/gate/response.ts";
import { writeResponseHead } from "../../../src/relay/gate/write-head.ts";
import { gate, request } from "./payloads.ts";

const UPGRADE = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
];

/** The one of RFC 6455 section 1.3. */
const ACCEPT = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const AGREED = ["Connection: upgrade", "Upgrade: WebSocket", ACCEPT];

function answer(lines: readonly string[], asked: { method?: string; fields?: readonly string[] } = {}) {
  const head = readHead(`${lines.join("\r\n")}\r\n`);
  const gated = gate(
    request(`${asked.method ?? "GET"} / HTTP/1.1`, "Host: api.example.org", ...(asked.fields ?? [])),
  );
  if (head.kind === "refused" || gated.kind === "refused") throw new Error("is no exchange");
  return gateResponse(head, gated);
}

function framingOf(lines: readonly string[], method = "GET"): string {
  const response = answer(lines, { method });
  return response.kind === "refused" ? String(response.status) : response.framing.kind;
}

test.each([
  ["HTTP/1.1 200 OK", ["Content-Length: 3"], "GET", "length"],
  ["HTTP/1.1 200 OK", ["Transfer-Encoding: chunked"], "GET", "chunked"],
  ["HTTP/1.1 200 OK", [], "GET", "until-close"],
  ["HTTP/1.1 200 OK", ["Content-Length: 3"], "HEAD", "none"],
  ["HTTP/1.1 204 No Content", ["Content-Length: 3"], "GET", "none"],
  ["HTTP/1.1 304 Not Modified", ["Content-Length: 3"], "GET", "none"],
  ["HTTP/1.1 103 Early Hints", [], "GET", "none"],
  ["HTTP/1.1 200", ["Content-Length: 3", "Content-Length: 3"], "GET", "502"],
  ["HTTP/1.1 200 ", ["Content-Length: 3", "Transfer-Encoding: chunked"], "GET", "502"],
  ["HTTP/1.1 200 OK", ["Transfer-Encoding: gzip, chunked"], "GET", "502"],
  ["HTTP/2 200 OK", [], "GET", "502"],
  ["HTTP/1.1 099 OK", [], "GET", "502"],
  ["ICY 200 OK", [], "GET", "502"],
])("%s %j to %s: %s", (line, fields, method, kind) => {
  expect(framingOf([line, ...fields], method)).toBe(kind);
});

describe("a response that is written anew", () => {
  test("loses what belongs to the origin's connection, and what leads to HTTP/3", () => {
    const response = answer([
      "HTTP/1.1 200 Fine",
      "Content-Type: text/plain",
      "Connection: X-Hop, keep-alive",
      "X-Hop: 1",
      "Keep-Alive: timeout=5",
      "Upgrade: h2,h2c",
      'Alt-Svc: h3=":443"',
      "Content-Length: 2",
    ]);
    if (response.kind === "refused") throw new Error(response.text);
    expect(writeResponseHead(response, { framing: response.framing, closes: false })).toBe(
      "HTTP/1.1 200 Fine\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n",
    );
  });

  test("tells the length of the body that HEAD leaves out", () => {
    const response = answer(["HTTP/1.1 200 OK", "Content-Length: 12"], { method: "HEAD" });
    if (response.kind === "refused") throw new Error(response.text);
    expect(writeResponseHead(response, { framing: response.framing, closes: false })).toContain(
      "\r\nContent-Length: 12\r\n",
    );
  });
});

describe("101", () => {
  test("passes for a WebSocket that was asked for", () => {
    const response = answer(["HTTP/1.1 101 Switching", ...AGREED], { fields: UPGRADE });
    expect(response).toMatchObject({ kind: "response", status: 101 });
  });

  test("passes with an extension that was offered", () => {
    const extension = "Sec-WebSocket-Extensions: permessage-deflate";
    const response = answer(["HTTP/1.1 101 Switching", ...AGREED, extension], {
      fields: [...UPGRADE, extension],
    });
    expect(response).toMatchObject({ kind: "response", status: 101 });
  });

  test.each([
    [[], AGREED],
    [UPGRADE, ["Connection: upgrade", "Upgrade: h2c", ACCEPT]],
    [UPGRADE, ["Upgrade: websocket", ACCEPT]],
    [UPGRADE, [...AGREED, ACCEPT]],
    [UPGRADE, ["Connection: upgrade", "Upgrade: websocket"]],
    [
      UPGRADE,
      ["Connection: upgrade", "Upgrade: websocket", "Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ=="],
    ],
    [UPGRADE, [...AGREED, "Sec-WebSocket-Extensions: permessage-deflate"]],
  ])("is refused unasked, for another protocol, key or extension", (fields, lines) => {
    expect(answer(["HTTP/1.1 101 Switching", ...lines], { fields })).toMatchObject({ status: 502 });
  });
});
