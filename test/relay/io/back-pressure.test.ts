import { createSecureServer, type ServerHttp2Stream } from "node:http2";
import { expect, test } from "vitest";
import { until } from "../../support/until.ts";
import { request } from "../gate/payloads.ts";
import { dialH2 } from "./h2-client.ts";
import { CERTIFICATE, connectRaw, listen, NAME, startRawOrigin, startRelay, startUnread } from "./world.ts";

const MIB = 1 << 20;
const TOTAL = 48 * MIB;
/** What may wait in the relay for one side: a read and what Node lets wait for a write. */
const MOST_WAITING = MIB;

test("an origin that stops reading stops the client's upload, and little waits", async () => {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port });
  const client = await connectRaw(relay.port);
  client.socket.write(request("POST / HTTP/1.1", `Host: ${NAME}`, `Content-Length: ${TOTAL}`));
  const server = await origin.next();
  await server.has("\r\n\r\n");
  server.socket.pause();
  client.socket.write(Buffer.alloc(TOTAL));
  const [upstream] = relay.upstreams;
  await until("the relay reads the client no more", () => relay.clients[0]?.isPaused());
  expect(upstream?.writableLength).toBeLessThan(MOST_WAITING);
  expect(client.socket.writableLength).toBeGreaterThan(0);
  server.socket.resume();
  await until("all has come", () => server.socket.bytesRead > TOTAL);
});

test.each(["Content-Length: 3000000", "Transfer-Encoding: chunked"])(
  "an upload is whole that has begun long before the origin is reached: %s",
  async (framing) => {
    const reached = Promise.withResolvers<void>();
    const origin = await startRawOrigin();
    const relay = await startRelay({ origin: origin.port, reached: reached.promise });
    const client = await connectRaw(relay.port);
    const body = Buffer.alloc(3_000_000, "x");
    client.socket.write(request("PUT / HTTP/1.1", `Host: ${NAME}`, framing));
    if (framing.startsWith("Content")) client.socket.write(body);
    else client.socket.write(Buffer.concat([Buffer.from("2dc6c0\r\n"), body, Buffer.from("\r\n0\r\n\r\n")]));
    await until("the relay reads the client no more", () => relay.clients[0]?.isPaused());
    reached.resolve();
    const server = await origin.next();
    await until("all has come", () => server.socket.bytesRead > body.length);
    expect(await server.has(/x(?:\r\n0\r\n\r\n)?$/)).toMatch(/^PUT /);
  },
);

test("a client that stops reading stops the origin's answer, and little waits", async () => {
  const { relay, client } = await startUnread(TOTAL);
  await until("the relay reads the origin no more", () => relay.upstreams[0]?.isPaused());
  expect(relay.clients[0]?.writableLength).toBeLessThan(MOST_WAITING);
  client.socket.resume();
  await until("all has come", () => client.socket.bytesRead > TOTAL);
});

test("of HTTP/2 one stream that is not read does not hold up another", async () => {
  // What it writes at once is more than Node lets a session keep.
  const server = createSecureServer({ ...CERTIFICATE, maxSessionMemory: 200 });
  server.on("session", (session) => {
    session.on("stream", (stream: ServerHttp2Stream, headers) => {
      stream.on("error", () => undefined);
      stream.respond({ ":status": 200 });
      stream.end(Buffer.alloc(headers[":path"] === "/big" ? TOTAL : 4, "x"));
    });
  });
  const relay = await startRelay({ origin: await listen(server), protocols: ["h2"] });
  const client = dialH2(relay.port);
  const big = client.request({ ":path": "/big" });
  await new Promise((done) => big.once("response", done));
  const small = client.request({ ":path": "/small" });
  let body = "";
  small.on("data", (octets: Buffer) => (body += octets.toString()));
  await expect.poll(() => body).toBe("xxxx");
  let got = 0;
  big.on("data", (octets: Buffer) => (got += octets.length));
  await new Promise((done) => big.once("close", done));
  expect(got).toBe(TOTAL);
});
