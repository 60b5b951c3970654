import { describe, expect, test } from "vitest";
import { isForFlow } from "../../../src/relay/gate/request.ts";
import { writeRequestHead } from "../../../src/relay/gate/write-head.ts";
import { gate, REFUSED_HEADS, request } from "./payloads.ts";

const HOST = "Host: api.example.org";

function pass(text: string) {
  const gated = gate(text);
  if (gated.kind === "refused") throw new Error(gated.text);
  return gated;
}

function rewritten(text: string): string {
  const gated = pass(text);
  return writeRequestHead(gated, { host: "api.example.org", framing: gated.framing });
}

describe("heads that are refused", () => {
  test.each(REFUSED_HEADS)("%s", (_, text, status) => {
    expect(gate(text)).toEqual({ kind: "refused", status, text: expect.stringMatching(/./) });
  });
});

describe("what passes is written anew", () => {
  test("the fields keep their order, their spelling and their octets", () => {
    expect(
      rewritten(request("GET /a?b=c HTTP/1.1", HOST, "X-One:  1\t", "accept: */*", "X-Raw: \xe4\xff")),
    ).toBe(request("GET /a?b=c HTTP/1.1", HOST, "X-One: 1", "accept: */*", "X-Raw: \xe4\xff"));
  });

  test("Host is the verified name, wherever and however it stood", () => {
    expect(rewritten(request("GET / HTTP/1.1", "A: b", "hOST: API.example.org.:443"))).toBe(
      request("GET / HTTP/1.1", HOST, "A: b"),
    );
  });

  test("an absolute form of the same authority loses it", () => {
    expect(pass(request("GET https://API.example.org:443?x HTTP/1.1", HOST)).target).toBe("/?x");
  });

  test("what belongs to the connection does not go on", () => {
    const text = rewritten(
      request(
        "GET / HTTP/1.1",
        HOST,
        "Connection: keep-alive",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic eA==",
        "TE: gzip, trailers",
        "Trailer: Authorization",
      ),
    );
    expect(text).toBe(request("GET / HTTP/1.1", HOST, "TE: trailers", "Connection: TE"));
  });

  test("one length, or chunks", () => {
    expect(rewritten(request("POST / HTTP/1.1", "content-length: 12", HOST))).toBe(
      request("POST / HTTP/1.1", HOST, "Content-Length: 12"),
    );
    expect(rewritten(request("POST / HTTP/1.1", "transfer-encoding: Chunked", HOST))).toBe(
      request("POST / HTTP/1.1", HOST, "Transfer-Encoding: chunked"),
    );
  });

  test("that it has no body is said if the client says so, by HTTP/1.0 as well", () => {
    expect(rewritten(request("POST / HTTP/1.0", HOST, "Content-Length: 0"))).toBe(
      request("POST / HTTP/1.1", HOST, "Content-Length: 0", "Connection: close"),
    );
    expect(rewritten(request("DELETE / HTTP/1.1", HOST, "Content-Length: 0"))).toBe(
      request("DELETE / HTTP/1.1", HOST, "Content-Length: 0"),
    );
  });

  test("a client that waits for 100 has the origin asked", () => {
    expect(rewritten(request("PUT / HTTP/1.1", HOST, "Expect: 100-Continue", "Content-Length: 3"))).toBe(
      request("PUT / HTTP/1.1", HOST, "Content-Length: 3", "Expect: 100-continue"),
    );
  });

  test("a WebSocket's upgrade", () => {
    const text = rewritten(
      request(
        "GET /ws HTTP/1.1",
        HOST,
        "Connection: keep-alive, Upgrade",
        "Upgrade: WebSocket",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
      ),
    );
    expect(text).toBe(
      request(
        "GET /ws HTTP/1.1",
        HOST,
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Upgrade: websocket",
        "Connection: Upgrade",
      ),
    );
  });

  test("HTTP/1.0 without a body becomes HTTP/1.1, and its connection ends", () => {
    expect(rewritten(request("GET / HTTP/1.0", HOST, "Connection: keep-alive"))).toBe(
      request("GET / HTTP/1.1", HOST, "Connection: close"),
    );
  });

  test("OPTIONS *", () => {
    expect(pass(request("OPTIONS * HTTP/1.1", HOST)).target).toBe("*");
  });
});

test.each([
  ["api.example.org", true],
  ["API.EXAMPLE.ORG.", true],
  ["api.example.org:443", true],
  ["api.example.org:8443", false],
  ["b.example.org", false],
  ["example.org", false],
  ["api.example.org.example.net", false],
])("a request for %s is the flow's: %s", (host, isSame) => {
  const flow = { name: "api.example.org", port: 443, scheme: "https" } as const;
  expect(isForFlow(pass(request("GET / HTTP/1.1", `Host: ${host}`)), flow)).toBe(isSame);
});
