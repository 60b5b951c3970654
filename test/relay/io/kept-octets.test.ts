/** How much a relay says that it keeps for a client's connection. */
import { createServer } from "node:tls";
import { expect, test } from "vitest";
import { tellInSteps } from "../../../src/relay/io/kept-octets.ts";
import { until } from "../../support/until.ts";
import { request } from "../gate/payloads.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import { CERTIFICATE, connectRaw, listen, NAME, startRawOrigin, startRelay, startUnread } from "./world.ts";

const KIB = 1 << 10;
const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const FILL = "x".repeat(60_000);

test("changes within a step are not told", () => {
  const told: number[] = [];
  const tell = tellInSteps((octets) => told.push(octets));
  for (const octets of [0, 100, 16 * KIB - 1, 16 * KIB, 20_000, 40 * KIB, 15 * KIB, 3]) tell(octets);
  expect(told).toEqual([16 * KIB, 32 * KIB, 0]);
});

test("a head that does not end counts as far as it has come; and no more once it is answered", async () => {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port });
  const client = await connectRaw(relay.port);
  client.socket.write(`GET / HTTP/1.1\r\nHost: ${NAME}\r\nA: ${FILL}`);
  await expect.poll(() => relay.kept.at(-1)).toBe(48 * KIB);
  client.socket.write("\r\n\r\n");
  const server = await origin.next();
  await server.has("\r\n\r\n");
  // What is made of it, too, as long as the request is under way.
  await expect.poll(() => relay.kept.at(-1)).toBeGreaterThanOrEqual(96 * KIB);
  server.socket.write(ANSWER);
  await client.has(ANSWER);
  await expect.poll(() => relay.kept.at(-1)).toBe(0);
});

test("what is sent ahead counts, and what the kernel keeps of a client that is not read", async () => {
  const reached = Promise.withResolvers<void>();
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port, reached: reached.promise });
  const client = await connectRaw(relay.port);
  client.socket.write(request("PUT / HTTP/1.1", `Host: ${NAME}`, "Content-Length: 1000000"));
  client.socket.write(Buffer.alloc(1_000_000));
  await expect.poll(() => relay.kept.at(-1)).toBeGreaterThanOrEqual((64 + 128) * KIB);
  reached.resolve();
  const server = await origin.next();
  await until("all has come", () => server.socket.bytesRead > 1_000_000);
  server.socket.write(ANSWER);
  await expect.poll(() => relay.kept.at(-1)).toBe(0);
});

test("an answer that the client does not read counts", async () => {
  const { relay, client } = await startUnread(32 << 20);
  await expect.poll(() => relay.kept.at(-1)).toBeGreaterThanOrEqual(128 * KIB);
  client.socket.resume();
  await expect.poll(() => relay.kept.at(-1)).toBe(0);
});

test("trailers that do not end count", async () => {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port });
  const client = await connectRaw(relay.port);
  client.socket.write(request("POST / HTTP/1.1", `Host: ${NAME}`, "Transfer-Encoding: chunked"));
  client.socket.write(`0\r\nA: ${"x".repeat(16_376)}`);
  await expect.poll(() => relay.kept.at(-1)).toBe(16 * KIB);
});

test("a session of HTTP/2 counts with its windows, and each stream with three times its header list", async () => {
  const origin = await startRawOrigin();
  const relay = await startRelay({
    origin: origin.port,
    protocols: ["h2"],
    reached: new Promise(() => undefined),
  });
  const client = dialH2(relay.port);
  await expect.poll(() => relay.kept.at(-1)).toBe(128 * KIB);
  const stream = client.request({ ":path": "/", a: FILL.slice(0, 32_000) });
  stream.on("error", () => undefined);
  await expect.poll(() => relay.kept.at(-1)).toBeGreaterThanOrEqual((128 + 16) * KIB + 96_000 - 16 * KIB);
  stream.close();
  await expect.poll(() => relay.kept.at(-1)).toBe(128 * KIB);
});

test("and with 128 KiB for each connection to an origin of HTTP/1.1", async () => {
  const server = createServer({ ...CERTIFICATE, ALPNProtocols: ["http/1.1"] }, (socket) => {
    socket.on("data", () => socket.write(ANSWER));
    socket.on("error", () => undefined);
  });
  const relay = await startRelay({ origin: await listen(server), protocols: ["h2"] });
  const client = dialH2(relay.port);
  expect(await askH2(client, {})).toMatchObject({ status: 200 });
  await expect.poll(() => relay.kept.at(-1)).toBe((128 + 128) * KIB);
});
