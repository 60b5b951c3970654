import { type Head, readHead } from "../../../src/relay/gate/head.ts";
import type { Refusal } from "../../../src/relay/gate/refusal.ts";
import { gateRequest, type GatedRequest } from "../../../src/relay/gate/request.ts";

/** A request as text: lines without their ends. */
export function request(...lines: readonly string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** What the gate says of a head that is there whole. */
export function gate(text: string): GatedRequest | Refusal {
  const head: Head | Refusal = readHead(text.slice(0, -2));
  return head.kind === "refused" ? head : gateRequest(head, "https");
}

const GET = "GET / HTTP/1.1";
const HOST = "Host: api.example.org";

/**
 * Heads that two servers may read in two ways, or that ask for what the gate does not give: what each is, its
 * octets, the status.
 */
export const REFUSED_HEADS: readonly (readonly [what: string, text: string, status: number])[] = [
  [
    "two lengths that differ",
    request("POST / HTTP/1.1", HOST, "Content-Length: 3", "Content-Length: 4"),
    400,
  ],
  ["two lengths that agree", request("POST / HTTP/1.1", HOST, "Content-Length: 3", "Content-Length: 3"), 400],
  ["a list of lengths", request("POST / HTTP/1.1", HOST, "Content-Length: 3, 3"), 400],
  ["CL.TE", request("POST / HTTP/1.1", HOST, "Content-Length: 3", "Transfer-Encoding: chunked"), 400],
  ["TE.CL", request("POST / HTTP/1.1", HOST, "Transfer-Encoding: chunked", "Content-Length: 3"), 400],
  ["a signed length", request("POST / HTTP/1.1", HOST, "Content-Length: +3"), 400],
  ["a hexadecimal length", request("POST / HTTP/1.1", HOST, "Content-Length: 0x3"), 400],
  [
    "a length past what is exact",
    request("POST / HTTP/1.1", HOST, "Content-Length: 99999999999999999999"),
    400,
  ],
  ["a length with an underscore", request("POST / HTTP/1.1", HOST, "Content_Length: 3"), 400],
  ["xchunked", request("POST / HTTP/1.1", HOST, "Transfer-Encoding: xchunked"), 501],
  ["chunked, identity", request("POST / HTTP/1.1", HOST, "Transfer-Encoding: chunked, identity"), 501],
  ["gzip, chunked", request("POST / HTTP/1.1", HOST, "Transfer-Encoding: gzip, chunked"), 501],
  ["chunked in quotes", request("POST / HTTP/1.1", HOST, 'Transfer-Encoding: "chunked"'), 501],
  [
    "two transfer codings",
    request("POST / HTTP/1.1", HOST, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    400,
  ],
  ["a coding with an underscore", request("POST / HTTP/1.1", HOST, "Transfer_Encoding: chunked"), 400],
  ["chunked in HTTP/1.0", request("POST / HTTP/1.0", HOST, "Transfer-Encoding: chunked"), 400],
  ["a body in HTTP/1.0", request("POST / HTTP/1.0", HOST, "Content-Length: 3"), 400],
  ["a blank before the colon", request(GET, HOST, "X : y"), 400],
  ["a tabulator in a name", request(GET, HOST, "authorization\t: y"), 400],
  ["a folded line", request(GET, HOST, "X: y", " z"), 400],
  ["a folded first line", request(GET, " x: y", HOST), 400],
  ["a line without a colon", request(GET, HOST, "X"), 400],
  ["an empty name", request(GET, HOST, ": x"), 400],
  ["a bare CR in a value", request(GET, HOST, "X: a\rY: b"), 400],
  ["a bare LF in a value", request(GET, HOST, "X: a\nY: b"), 400],
  ["a NUL in a value", request(GET, HOST, "X: a\0b"), 400],
  ["a NUL in the target", request("GET /\0 HTTP/1.1", HOST), 400],
  ["no Host", request(GET), 400],
  ["two Hosts", request(GET, HOST, HOST), 400],
  ["a second Host in another case", request(GET, HOST, "X: y", "HOST: other.example.org"), 400],
  ["a user in Host", request(GET, "Host: a@api.example.org"), 400],
  ["a path in Host", request(GET, "Host: api.example.org/x"), 400],
  ["a list in Host", request(GET, "Host: api.example.org, b.example.org"), 400],
  ["an empty Host", request(GET, "Host:"), 400],
  ["a port that is none", request(GET, "Host: api.example.org:0"), 400],
  ["HTTP/0.9", "GET /\r\n\r\n", 400],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\n", 505],
  ["HTTP/1.2", request("GET / HTTP/1.2", HOST), 505],
  ["a version in lower case", request("GET / http/1.1", HOST), 400],
  ["two blanks in the request line", request("GET  / HTTP/1.1", HOST), 400],
  ["a tabulator in the request line", request("GET\t/ HTTP/1.1", HOST), 400],
  ["a blank in the target", request("GET /a b HTTP/1.1", HOST), 400],
  ["an empty line first", `\r\n${request(GET, HOST)}`, 400],
  ["a fragment", request("GET /#a HTTP/1.1", HOST), 400],
  ["an absolute form of another host", request("GET https://b.example.org/ HTTP/1.1", HOST), 421],
  ["an absolute form of another scheme", request("GET http://api.example.org/ HTTP/1.1", HOST), 421],
  ["an absolute form of another port", request("GET https://api.example.org:8443/ HTTP/1.1", HOST), 421],
  ["an absolute form with a user", request("GET https://a@api.example.org/ HTTP/1.1", HOST), 421],
  ["an authority alone", request("GET api.example.org HTTP/1.1", HOST), 400],
  ["* without OPTIONS", request("GET * HTTP/1.1", HOST), 400],
  ["CONNECT", request("CONNECT api.example.org:443 HTTP/1.1", HOST), 405],
  ["TRACE", request("TRACE / HTTP/1.1", HOST), 405],
  ["track in lower case", request("track / HTTP/1.1", HOST), 405],
  ["a method that is no token", request("GE(T / HTTP/1.1", HOST), 400],
  [
    "h2c",
    request(GET, HOST, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
    400,
  ],
  ["h2c behind websocket", request(GET, HOST, "Connection: Upgrade", "Upgrade: websocket, h2c"), 400],
  ["Upgrade without Connection", request(GET, HOST, "Upgrade: websocket"), 400],
  ["a WebSocket without a key", request(GET, HOST, "Connection: Upgrade", "Upgrade: websocket"), 400],
  [
    "Connection that names what is to be injected",
    request(GET, HOST, "Connection: close, authorization"),
    400,
  ],
  ["Connection that names Host", request(GET, HOST, "Connection: host"), 400],
  ["Connection with an underscore form", request(GET, HOST, "Keep_Alive: 1"), 400],
  ["another expectation", request(GET, HOST, "Expect: 200-ok"), 417],
];
