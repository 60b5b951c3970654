/** Answers that are compressed all the same: no secret could be seen in them. They are refused in words. */
import { createSecureServer, type ServerHttp2Stream } from "node:http2";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createFindChange } from "../../../src/scrub/message-change.ts";
import { request } from "../gate/payloads.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import {
  CERTIFICATE,
  connectRaw,
  listen,
  NAME,
  type RawOrigin,
  type Relay,
  SECRET,
  startRawOrigin,
  startRelay,
} from "./world.ts";

const BODY = gzipSync(`it is ${SECRET}`);
const HEAD = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: ${BODY.length}\r\n\r\n`;
const REASON = "the answer is compressed, though that was not asked for";

/** An origin of HTTP/1.1 that answers every request so. */
async function startH1(protocols: readonly ("h2" | "http/1.1")[], isHead = false): Promise<Relay> {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port, protocols, findChange: createFindChange() });
  void answerNext(origin, isHead ? Buffer.from(HEAD) : Buffer.concat([Buffer.from(HEAD), BODY]));
  return relay;
}

async function answerNext(origin: RawOrigin, octets: Buffer): Promise<void> {
  const server = await origin.next();
  await server.has("\r\n\r\n");
  server.socket.write(octets);
}

async function startH2(): Promise<Relay> {
  const server = createSecureServer(CERTIFICATE);
  server.on("stream", (stream: ServerHttp2Stream, { ":method": method }) => {
    stream.on("error", () => undefined);
    const told = { "content-type": "text/plain", "content-encoding": "gzip", "content-length": BODY.length };
    stream.respond({ ":status": 200, ...told }, { endStream: method === "HEAD" });
    if (method !== "HEAD") stream.end(BODY);
  });
  return startRelay({ origin: await listen(server), protocols: ["h2"], findChange: createFindChange() });
}

describe.each([
  ["HTTP/2", startH2],
  ["HTTP/1.1", async () => startH1(["h2"])],
])("from an origin of %s over HTTP/2", (_, start) => {
  test("is 502 with the reason", async () => {
    const relay = await start();
    const answer = await askH2(dialH2(relay.port), { ":method": "GET" });
    expect(answer).toMatchObject({ status: 502, code: 0, body: expect.stringContaining(REASON) });
    expect(relay.told.refused).toMatchObject([{ status: 502, text: expect.stringContaining(REASON) }]);
    expect(relay.told.cut).toEqual([]);
  });
});

test("over HTTP/1.1 it is 502 with the reason", async () => {
  const relay = await startH1(["http/1.1"]);
  const client = await connectRaw(relay.port);
  client.socket.write(request("GET / HTTP/1.1", `Host: ${NAME}`), "latin1");
  expect(await client.has(REASON)).toMatch(/^HTTP\/1\.1 502 /);
  expect(client.text()).not.toContain(BODY.toString("latin1"));
});

test("the answer to HEAD does not tell how long it is", async () => {
  const answers = [
    await askH2(dialH2((await startH2()).port), { ":method": "HEAD" }),
    await askH2(dialH2((await startH1(["h2"], true)).port), { ":method": "HEAD" }),
  ];
  for (const { status, headers } of answers) {
    expect(status).toBe(200);
    expect(headers["content-encoding"]).toBe("gzip");
    expect(headers["content-length"]).toBeUndefined();
  }
});
