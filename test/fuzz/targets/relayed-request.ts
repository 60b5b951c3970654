import { createMessageReader } from "../../../src/relay/gate/message-reader.ts";
import { gateRequest, type GatedRequest } from "../../../src/relay/gate/request.ts";
import { writeRequestHead } from "../../../src/relay/gate/write-head.ts";
import { readByLlhttp, type ReadMessage } from "../../relay/llhttp.ts";
import type { Random } from "../engine/random.ts";
import { plainChecker, type Target } from "../engine/target.ts";

const HOST = "api.example.org";
const LINES = [
  "GET / HTTP/1.1",
  "POST /a?b=c HTTP/1.1",
  "PUT https://api.example.org/x HTTP/1.1",
  "OPTIONS * HTTP/1.1",
  "HEAD /%2e%2e HTTP/1.0",
  "get //b/x/../y HTTP/1.1",
  "CONNECT api.example.org:443 HTTP/1.1",
  "PRI * HTTP/2.0",
  "GET /",
] as const;
const FIELDS = [
  "Content-Length: 3",
  "Content-Length: 0",
  "Content-Length: 3, 3",
  "Content_Length: 3",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding:\u000bchunked",
  "Connection: close",
  "Connection: close, authorization",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Upgrade: h2c",
  "Expect: 100-continue",
  "TE: trailers",
  "X_Api_Key: y",
  "X-Raw: \u00e4\u00ff",
  " folded",
  "Host: other.example.org",
] as const;
const BODIES = [
  "",
  "abc",
  "3\r\nabc\r\n0\r\n\r\n",
  "3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n",
  "03\r\nabc\r\n00\r\n\r\n",
  "3\nabc\r\n0\r\n\r\n",
  "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: api.example.org\r\n\r\n",
] as const;

/** A request that has passed, with its body; what the relay writes of it. */
interface Passed {
  readonly request: GatedRequest;
  body: string;
  isWhole: boolean;
}

/**
 * A client's octets through the gate: what is written anew is read by Node's parser, strict and as lenient as
 * it gets, as the gate has read it; and the octets as they came hold no other requests for that parser up to
 * there.
 */
export const relayedRequest: Target = {
  name: "relayed-request",
  seeds: "relayed-request",
  make: (random) =>
    Buffer.from(Array.from({ length: 1 + random.below(3) }, () => makeRequest(random)).join(""), "latin1"),
  open: async () =>
    plainChecker((input, random) => {
      const { passed, refused } = passThrough([input]);
      const cut = random.below(input.length + 1);
      const again = passThrough([input.subarray(0, cut), input.subarray(cut)]);
      if (JSON.stringify(again.passed) !== JSON.stringify(passed) || again.refused !== refused)
        throw new Error(`reads otherwise when it is cut after ${cut} octets`);
      checkWritten(passed);
      checkInput(input, passed);
      return `${passed.length} passed, ${refused ?? "none refused"}`;
    }),
};

function passThrough(parts: readonly Buffer[]): { passed: readonly Passed[]; refused: number | undefined } {
  const passed: Passed[] = [];
  let refused: number | undefined;
  const reader = createMessageReader({
    head(head) {
      const request = gateRequest(head, "https");
      if (request.kind === "refused") {
        refused = request.status;
        return undefined;
      }
      passed.push({ request, body: "", isWhole: request.webSocket });
      return request.webSocket ? undefined : request.framing;
    },
    data(octets) {
      const last = passed.at(-1);
      if (last !== undefined) last.body += octets.toString("latin1");
    },
    end() {
      const last = passed.at(-1);
      if (last === undefined) return;
      last.isWhole = true;
      if (!last.request.keepsAlive) reader.hold();
    },
    refused: ({ status }) => {
      refused = status;
    },
  });
  for (const part of parts) reader.feed(part);
  return { passed, refused };
}

function checkWritten(passed: readonly Passed[]): void {
  const whole = passed.filter(({ isWhole }) => isWhole);
  const octets = Buffer.from(whole.map(writeAnew).join(""), "latin1");
  for (const isLenient of [false, true]) {
    const read = readByLlhttp(octets, isLenient);
    const expected = whole.map(({ request, body }) => ({ target: request.target, body, hosts: [HOST] }));
    const found = read.map(({ target, body, fields }) => ({
      target,
      body,
      hosts: fields.filter(([name]) => name.replaceAll("_", "-") === "host").map(([, value]) => value),
    }));
    // What Node's parser knows no method of, it refuses: a message less, none more.
    const isRefused = read.length < whole.length && !isKnownMethod(whole[read.length]?.request.method ?? "");
    if (JSON.stringify(found) !== JSON.stringify(isRefused ? expected.slice(0, read.length) : expected))
      throw new Error(
        `is written as ${JSON.stringify(octets.toString("latin1"))}, read as ${JSON.stringify(read)}`,
      );
  }
}

function writeAnew({ request, body }: Passed): string {
  const head = writeRequestHead(request, { host: HOST, framing: request.framing });
  if (request.framing.kind !== "chunked") return head + body;
  const chunk = body === "" ? "" : `${body.length.toString(16)}\r\n${body}\r\n`;
  return `${head}${chunk}0\r\n\r\n`;
}

/**
 * As far as the gate has passed messages, a lenient parser of the octets as they came finds the same ones.
 */
function checkInput(input: Buffer, passed: readonly Passed[]): void {
  const read = readByLlhttp(input, true);
  for (const [index, { request, body, isWhole }] of passed.entries()) {
    if (!isKnownMethod(request.method)) return;
    const other = read[index];
    if (other === undefined || !isSame(other, request) || (isWhole && other.body !== body))
      throw new Error(`passes as ${JSON.stringify({ request, body })}, read as ${JSON.stringify(other)}`);
    if (request.webSocket) return;
  }
}

function isSame(read: ReadMessage, request: GatedRequest): boolean {
  return (
    read.method === request.method &&
    (read.target === request.target || /^https:\/\//i.test(read.target)) &&
    read.fields.filter(([name]) => name === "host").length === 1
  );
}

function isKnownMethod(method: string): boolean {
  return ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"].includes(method);
}

function makeRequest(random: Random): string {
  const fields = Array.from({ length: random.below(4) }, () => random.pick(FIELDS));
  const host = random.once(12) ? [] : [`Host: ${HOST}`];
  return [random.pick(LINES), ...host, ...fields, "", random.pick(BODIES)].join(
    random.once(30) ? "\n" : "\r\n",
  );
}
