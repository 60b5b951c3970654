/** Origins that answer and close while a client is still sending its request. */
import { constants, createSecureServer, type ServerHttp2Stream } from "node:http2";
import { describe, expect, test } from "vitest";
import { until } from "../../support/until.ts";
import { dialH2 } from "./h2-client.ts";
import {
  CERTIFICATE,
  connectRaw,
  defer,
  listen,
  NAME,
  type RawConnection,
  startRawOrigin,
  startRelay,
} from "./world.ts";

const LENGTH = 200_000;
const PART = Buffer.alloc(16_384);

const ANSWERS: Readonly<Record<string, (length: number) => string>> = {
  "which tells its end": (length) => withLength(length, "Connection: close\r\n"),
  "with a length": (length) => withLength(length),
  "in chunks": (length) =>
    `HTTP/1.1 413 Too Large\r\nTransfer-Encoding: chunked\r\n\r\n${length.toString(16)}\r\n${"x".repeat(length)}\r\n0\r\n\r\n`,
};

function withLength(length: number, more = ""): string {
  return `HTTP/1.1 413 Too Large\r\nContent-Length: ${length}\r\n${more}\r\n${"x".repeat(length)}`;
}

interface Ending {
  /** A reset discards what the origin's kernel has not sent yet. */
  readonly length: number;
  readonly end: (server: RawConnection, answer: string) => Promise<void>;
}

const ENDS: Readonly<Record<"ends" | "resets", Ending>> = {
  // As RFC 9112 section 9.6 wants it: what still comes is read.
  ends: { length: LENGTH, end: async ({ socket }, answer) => void socket.end(answer) },
  resets: {
    length: 60_000,
    async end({ socket }, answer) {
      socket.pause();
      await until("octets are unread", () => socket.readableLength > 0);
      socket.write(answer, () => socket.destroy());
    },
  },
};

const CASES = Object.entries(ANSWERS).flatMap(([what, answer]) =>
  Object.entries(ENDS).map(
    ([how, { length, end }]) => [what, how, { length, answer: answer(length), end }] as const,
  ),
);

/** How often clients had a turn to send more. */
let pumped = 0;

/** Until the test is over, or there is no room. */
function pump(send: () => boolean): void {
  const timer = setInterval(() => {
    pumped++;
    while (send());
  }, 1);
  defer(() => clearInterval(timer));
}

function startUpload(port: number) {
  const stream = dialH2(port).request({ ":path": "/", ":method": "POST" }, { endStream: false });
  let text = "";
  const seen = { body: () => text, isClosed: false };
  stream.on("data", (part: Buffer) => (text += part.toString("latin1")));
  stream.on("error", () => undefined);
  stream.on("close", () => (seen.isClosed = true));
  pump(() => !stream.destroyed && stream.writable && stream.write(PART));
  return { stream, seen };
}

async function startH1Upload(port: number) {
  const client = await connectRaw(port);
  client.socket.write(`POST / HTTP/1.1\r\nHost: ${NAME}\r\nContent-Length: 1000000000\r\n\r\n`);
  pump(() => client.socket.writable && client.socket.write(PART));
  return { client, body: client.text };
}

describe("an answer that comes before the request is sent, over a connection of HTTP/1.1", () => {
  test.each(CASES)(
    "%s, by one who %s, reaches a client of HTTP/2 whole, which may stop",
    async (_, _how, { length, answer, end }) => {
      const origin = await startRawOrigin();
      const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
      const { stream, seen } = startUpload(relay.port);
      const server = await origin.next();
      await server.has("\r\n\r\n");
      await end(server, answer);
      await until("the stream is closed", () => seen.isClosed);
      expect(seen.body()).toHaveLength(length);
      expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
      expect(relay.told).toMatchObject({ cut: [], refused: [] });
    },
  );

  test.each(CASES)(
    "%s, by one who %s, reaches a client of HTTP/1.1 whole, also a slow one",
    async (_, _how, { length, answer, end }) => {
      const origin = await startRawOrigin();
      const relay = await startRelay({ origin: origin.port });
      const { client } = await startH1Upload(relay.port);
      const server = await origin.next();
      await server.has("\r\n\r\n");
      client.socket.pause();
      await end(server, answer);
      await until("the origin's connection is closed", () => server.socket.destroyed);
      client.socket.resume();
      await until("the connection is closed", client.closed);
      expect(client.text().split("x")).toHaveLength(length + 1);
      expect(relay.told).toMatchObject({ cut: [], refused: [] });
    },
  );

  test.each(["h2", "http/1.1"] as const)(
    "is read though a reset has come before it, to a client of %s",
    async (protocol) => {
      const origin = await startRawOrigin();
      const relay = await startRelay({ origin: origin.port, protocols: [protocol] });
      const { body } = protocol === "h2" ? startUpload(relay.port).seen : await startH1Upload(relay.port);
      const server = await origin.next();
      await server.has("\r\n\r\n");
      const [upstream] = relay.upstreams;
      upstream?.pause();
      await ENDS.resets.end(server, withLength(20_000));
      await until("the origin's connection is closed", () => server.state.isClosed);
      const before = pumped;
      await until("writes have failed", () => pumped > before + 10);
      upstream?.resume();
      await until("the answer is whole", () => body().split("x").length > 20_000);
      expect(relay.told).toMatchObject({ cut: [], refused: [] });
    },
  );

  test("with trailers reaches a client of HTTP/2 with them", async () => {
    const origin = await startRawOrigin();
    const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
    const stream = dialH2(relay.port).request(
      { ":path": "/", ":method": "POST", te: "trailers" },
      { endStream: false },
    );
    let trailers: unknown;
    stream.on("trailers", (given) => (trailers = given));
    stream.on("error", () => undefined);
    stream.resume();
    const server = await origin.next();
    await server.has("\r\n\r\n");
    server.socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n");
    await new Promise((done) => stream.once("close", done));
    expect(trailers).toMatchObject({ "x-sum": "1" });
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  });

  test("and is not whole is none to a client of HTTP/2", async () => {
    const origin = await startRawOrigin();
    const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
    const { stream, seen } = startUpload(relay.port);
    const server = await origin.next();
    await server.has("\r\n\r\n");
    server.socket.end(withLength(LENGTH).slice(0, 1000));
    await until("the stream is closed", () => seen.isClosed);
    expect(stream.rstCode).not.toBe(constants.NGHTTP2_NO_ERROR);
  });

  test("that ends where its connection does is none if that is reset", async () => {
    const origin = await startRawOrigin();
    const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
    const { stream, seen } = startUpload(relay.port);
    const server = await origin.next();
    await server.has("\r\n\r\n");
    await ENDS.resets.end(server, `HTTP/1.1 413 Too Large\r\n\r\n${"x".repeat(60_000)}`);
    await until("the stream is closed", () => seen.isClosed);
    expect(stream.rstCode).not.toBe(constants.NGHTTP2_NO_ERROR);
  });
});

test("an early answer over HTTP/2 reaches its client whole, which may stop as the origin has said", async () => {
  let asked: ServerHttp2Stream | undefined;
  const server = createSecureServer(CERTIFICATE);
  server.on("session", (session) =>
    session.on("stream", (stream) => {
      stream.on("error", () => undefined);
      asked = stream;
    }),
  );
  const relay = await startRelay({ origin: await listen(server), protocols: ["h2"] });
  const { stream, seen } = startUpload(relay.port);
  stream.pause();
  const origin = await until("the origin is asked", () => asked);
  origin.respond({ ":status": 413 });
  origin.end("x".repeat(LENGTH), () => origin.close(constants.NGHTTP2_NO_ERROR));
  await until("its stream is closed", () => origin.destroyed);
  stream.resume();
  await until("the stream is closed", () => seen.isClosed);
  expect(seen.body()).toHaveLength(LENGTH);
  expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
});
