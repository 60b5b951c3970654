/** What no honest client or origin of HTTP/2 sends. Whatever it is, the next client is served. */
import { createSecureServer, type ServerHttp2Stream } from "node:http2";
import { describe, expect, test } from "vitest";
import { until } from "../../support/until.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import { asking, block, dialFrames, FLAG, frame, indexed, type Pairs, TYPE } from "./h2-frames.ts";
import { CERTIFICATE, listen, type Relay, startRawOrigin, startRelay } from "./world.ts";

const NO_ERROR = Buffer.alloc(4);
const END = FLAG.endStream + FLAG.endHeaders;

interface Seen {
  readonly method: string;
  body: string;
  trailers: readonly string[];
}

/** Answers 200 to whatever comes, once it has come. */
async function startOrigin(answer: (stream: ServerHttp2Stream) => void = answerFine) {
  const seen: Seen[] = [];
  const server = createSecureServer({ ...CERTIFICATE, strictSingleValueFields: false });
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    const one: Seen = { method: String(headers[":method"]), body: "", trailers: [] };
    seen.push(one);
    stream.on("error", () => undefined);
    stream.on("data", (part: Buffer) => (one.body += part.toString()));
    stream.on(
      "trailers",
      (_headers: unknown, _flags: number, raw: readonly string[]) => (one.trailers = raw),
    );
    stream.on("end", () => answer(stream));
  });
  return { port: await listen(server), seen };
}

function answerFine(stream: ServerHttp2Stream): void {
  if (!stream.closed) stream.respond({ ":status": 200 }, { endStream: true });
}

async function meet(answer?: (stream: ServerHttp2Stream) => void) {
  const origin = await startOrigin(answer);
  const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
  return { origin, relay, client: await dialFrames(relay.port) };
}

async function statusOfNext({ port }: Relay): Promise<number> {
  return (await askH2(dialH2(port), {})).status;
}

function request(stream: number, flags: number, method: string, fields: Pairs = []): Buffer {
  return frame(TYPE.headers, flags, stream, block([...asking(method), ...fields]));
}

describe("a request that is reset at once", () => {
  test("though it was to be refused, is refused to nobody", async () => {
    const { client, relay } = await meet();
    client.socket.write(Buffer.concat([request(1, END, "TRACE"), frame(TYPE.reset, 0, 1, NO_ERROR)]));
    await until("it is told", () => relay.told.refused.length === 1);
    expect(await statusOfNext(relay)).toBe(200);
  });

  test("with a part of its body, before the origin is reached, does not go there", async () => {
    const { client, relay, origin } = await meet();
    const body = frame(TYPE.data, FLAG.none, 1, "begun");
    client.socket.write(
      Buffer.concat([request(1, FLAG.endHeaders, "PUT"), body, frame(TYPE.reset, 0, 1, NO_ERROR)]),
    );
    await until("the origin is reached", () => relay.upstreams.length === 1);
    expect(await statusOfNext(relay)).toBe(200);
    expect(origin.seen.map(({ method }) => method)).toEqual(["GET"]);
  });

  test("a thousand times and more, ends its connection", async () => {
    const { client, relay } = await meet();
    const pairs = Array.from({ length: 4000 }, (_, index) => {
      const id = 2 * index + 1;
      return Buffer.concat([request(id, END, "GET"), frame(TYPE.reset, 0, id, NO_ERROR)]);
    });
    client.socket.write(Buffer.concat(pairs));
    await until("it is closed", client.closed);
    expect(await statusOfNext(relay)).toBe(200);
  });
});

describe("many requests at once", () => {
  test("are all answered", async () => {
    const { relay, origin } = await meet();
    const session = dialH2(relay.port);
    const answers = await Promise.all(Array.from({ length: 100 }, () => askH2(session, {})));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 100 }, () => 200));
    expect(origin.seen.length).toBe(100);
  });

  test("that are reset before their turn do not go to the origin", async () => {
    const { client, relay, origin } = await meet();
    client.socket.write(request(1, END, "GET"));
    await until("the origin is reached", () => origin.seen.length === 1);
    const ids = Array.from({ length: 60 }, (_, index) => 2 * index + 3);
    const resets = ids.slice(30).map((id) => frame(TYPE.reset, 0, id, NO_ERROR));
    client.socket.write(Buffer.concat([...ids.map((id) => request(id, END, "DELETE")), ...resets]));
    expect(await statusOfNext(relay)).toBe(200);
    await until("the others have come", () => origin.seen.length >= 32);
    expect(origin.seen.filter(({ method }) => method === "DELETE").length).toBe(30);
  });
});

describe("a field that may be there once, and is there twice", () => {
  const twice = [
    ["etag", '"a"'],
    ["etag", '"b"'],
  ] as const;

  test("passes in a request's trailers", async () => {
    const { client, origin, relay } = await meet();
    const head = request(1, FLAG.endHeaders, "PUT", [["te", "trailers"]]);
    client.socket.write(
      Buffer.concat([head, frame(TYPE.data, 0, 1, "x"), frame(TYPE.headers, END, 1, block(twice))]),
    );
    await until("the trailers have come", () => origin.seen[0]?.trailers.length === 4);
    expect(origin.seen[0]?.trailers).toEqual(twice.flat());
    expect(await statusOfNext(relay)).toBe(200);
  });

  test("passes in a response, and in its trailers", async () => {
    const { relay } = await meet((stream) => {
      stream.respond([":status", "200", "etag", '"a"', "etag", '"b"'], { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers(Object.fromEntries([["etag", ['"c"', '"d"']]])));
      stream.end("x");
    });
    expect(await askH2(dialH2(relay.port), { te: "trailers" })).toMatchObject({
      status: 200,
      headers: { etag: '"a"' },
      trailers: { etag: '"c"' },
      code: 0,
    });
  });

  test("passes in the response of an origin of HTTP/1.1", async () => {
    const origin = await startRawOrigin();
    const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
    const answer = askH2(dialH2(relay.port), { te: "trailers" });
    const server = await origin.next();
    await server.has("\r\n\r\n");
    const fields = "X-Content-Type-Options: nosniff\r\nX-Content-Type-Options: nosniff\r\n";
    server.socket.write(
      `HTTP/1.1 200 OK\r\n${fields}Transfer-Encoding: chunked\r\n\r\n0\r\nETag: "a"\r\nETag: "b"\r\n\r\n`,
    );
    expect(await answer).toMatchObject({ status: 200, trailers: { etag: '"a"' }, code: 0 });
  });
});

test("a status that HTTP/2 does not have is no answer", async () => {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
  const answer = askH2(dialH2(relay.port), {});
  const server = await origin.next();
  await server.has("\r\n\r\n");
  server.socket.write("HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n");
  expect((await answer).status).toBe(502);
});

/** Of a request whose head says 5 octets. */
async function sendToOldOrigin(body: string) {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
  const client = await dialFrames(relay.port);
  client.socket.write(request(1, FLAG.endHeaders, "PUT", [["content-length", "5"]]));
  const server = await origin.next();
  await server.has("Content-Length: 5\r\n");
  client.socket.write(frame(TYPE.data, FLAG.endStream, 1, body));
  await until("the origin is left", server.closed);
  return server.text();
}

describe("before an origin of HTTP/1.1, a body", () => {
  test("that is longer than told ends the connection, and the rest is no request", async () => {
    expect(await sendToOldOrigin("12345GET /admin HTTP/1.1\r\n\r\n")).not.toContain("GET /admin");
  });

  test("that is shorter than told ends the connection", async () => {
    expect(await sendToOldOrigin("123")).toMatch(/\r\n\r\n[123]*$/);
  });
});

function many(count: number, one: Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => one));
}

describe("a flood", () => {
  const open = frame(TYPE.headers, FLAG.none, 1, block(asking("GET")));
  const part = frame(TYPE.continuation, FLAG.none, 1, block([["x-a", "b"]]));
  const rows = [
    ["of settings", frame(TYPE.settings, FLAG.none, 0, Buffer.from("000300000064", "hex"))],
    ["of pings", frame(TYPE.ping, FLAG.none, 0, Buffer.alloc(8))],
    ["of empty data", frame(TYPE.data, FLAG.none, 1)],
  ] as const;

  test("of a head in ever more parts ends its connection", async () => {
    const { client, relay } = await meet();
    client.socket.write(Buffer.concat([open, many(4000, part)]));
    await until("it is closed", client.closed);
    expect(await statusOfNext(relay)).toBe(200);
  });

  test.each(rows)("%s does not keep the next client from being served", async (_what, one) => {
    const { client, relay } = await meet();
    client.socket.write(Buffer.concat([request(1, FLAG.endHeaders, "PUT"), many(40_000, one)]));
    expect(await statusOfNext(relay)).toBe(200);
  });
});

test("a head that a few octets make large is not taken", async () => {
  const { client, relay, origin } = await meet();
  const large = indexed("x-large", "v".repeat(3000));
  const head = Buffer.concat([block(asking("GET")), large, Buffer.alloc(12_000, 0x80 + 62)]);
  client.socket.write(frame(TYPE.headers, END, 1, head));
  expect(await statusOfNext(relay)).toBe(200);
  expect(origin.seen).toHaveLength(1);
});
