import { Buffer } from "node:buffer";
import { property, assert, integer, nat } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  authorityOf,
  describeRefusal,
  MAX_PROXY_ANSWER_OCTETS,
  readProxyAnswer,
  type UpstreamProxy,
  writeConnect,
} from "../../src/intercept/upstream-proxy.ts";
import { nameOf } from "../support/policy.ts";

const PROXY: UpstreamProxy = {
  isSecure: false,
  host: "proxy.example.net",
  port: 3128,
  authorization: undefined,
};
const NAMED = { name: nameOf("api.example.org"), destination: { address: "198.51.100.1", port: 8443 } };
const UNNAMED = { name: undefined, destination: { address: "2001:db8:100::1", port: 22 } };

describe("what the proxy is asked (RFC 9110 section 9.3.6)", () => {
  test("the name and the original port, and nothing of where the client went", () => {
    expect(writeConnect(NAMED, PROXY)).toBe(
      "CONNECT api.example.org:8443 HTTP/1.1\r\nHost: api.example.org:8443\r\n\r\n",
    );
  });

  test("without a name the address, IPv6 in brackets", () => {
    expect(authorityOf(UNNAMED)).toBe("[2001:db8:100::1]:22");
    expect(writeConnect(UNNAMED, PROXY)).toContain("CONNECT [2001:db8:100::1]:22 HTTP/1.1\r\n");
  });

  test("credentials as they are set", () => {
    const asked = writeConnect(NAMED, { ...PROXY, authorization: "Basic dTpw" });
    expect(asked).toContain("\r\nProxy-Authorization: Basic dTpw\r\n\r\n");
  });
});

const read = (text: string) => readProxyAnswer(Buffer.from(text, "latin1"));
const OPEN = "HTTP/1.1 200 Connection established\r\nVia: 1.1 p\r\n\r\n";

describe("what its answer means", () => {
  test.each([
    ["a 200", OPEN, { kind: "open", end: OPEN.length }],
    ["another 2xx, of HTTP/1.0, without a phrase", "HTTP/1.0 204\r\n\r\n", { kind: "open", end: 16 }],
    [
      "a length, which says nothing",
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhost",
      { kind: "open", end: 38 },
    ],
    ["lines that end in LF", "HTTP/1.1 200 OK\n\nrest", { kind: "open", end: 17 }],
    [
      "an interim answer ahead",
      `HTTP/1.1 100 Continue\r\n\r\n${OPEN}`,
      { kind: "open", end: 25 + OPEN.length },
    ],
    ["an interim answer alone", "HTTP/1.1 103 Early Hints\r\n\r\n", { kind: "incomplete" }],
    ["nothing", "", { kind: "incomplete" }],
    ["half a head", OPEN.slice(0, 40), { kind: "incomplete" }],
    ["403", "HTTP/1.1 403 Filtered\r\n\r\n<html>", { kind: "refused", status: 403 }],
    ["407", "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\n\r\n", { kind: "refused", status: 407 }],
    ["502", "HTTP/1.1 502 Bad Gateway\r\n\r\n", { kind: "refused", status: 502 }],
    ["a redirect", "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", { kind: "refused", status: 302 }],
    ["another protocol", "HTTP/1.1 101 Switching\r\n\r\n", { kind: "strange" }],
    ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", { kind: "strange" }],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", { kind: "strange" }],
    ["HTTP/2", "HTTP/2 200\r\n\r\n", { kind: "strange" }],
    ["a banner of another service", "SSH-2.0-OpenSSH_9.2\r\n", { kind: "strange" }],
    ["TLS", "\x15\x03\x01\x00\x02\x02\x46", { kind: "strange" }],
  ])("%s", (_what, text, answer) => {
    expect(read(text)).toMatchObject(answer);
  });

  test("a head that is long is read, one that is longer than its bound is not", () => {
    const long = `HTTP/1.1 200 OK\r\nX: ${"x".repeat(60_000)}\r\n\r\n`;
    expect(read(long)).toEqual({ kind: "open", end: long.length });
    expect(read(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(MAX_PROXY_ANSWER_OCTETS)}`)).toMatchObject({
      kind: "strange",
    });
  });

  test("however it is cut, no part says more than the whole, and what follows is never looked at", () => {
    const whole = `HTTP/1.1 100 Continue\r\n\r\n${OPEN}`;
    assert(
      property(nat(whole.length - 1), integer({ min: 0, max: 255 }), (cut, octet) => {
        expect(read(whole.slice(0, cut))).toEqual({ kind: "incomplete" });
        expect(read(whole + String.fromCharCode(octet))).toEqual({ kind: "open", end: whole.length });
      }),
    );
  });
});

test.each([
  [407, /credentials \(407\): OPENSANDBOX_EGRESS_UPSTREAM_PROXY_AUTH$/],
  [401, /credentials \(401\)/],
  [403, /refuses to connect to api\.example\.org:8443 \(403\)$/],
  [504, /could not connect to api\.example\.org:8443 \(504\)$/],
])("%i is told in words of ours, with what to look at", (status, text) => {
  expect(describeRefusal(status, NAMED)).toMatch(text);
});
