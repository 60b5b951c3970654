/** The relay with what fills placeholders and takes secrets out, as the sidecar has it. */
import { createSecureServer, type ServerHttp2Stream } from "node:http2";
import { describe, expect, test } from "vitest";
import { createFindChange } from "../../../src/scrub/message-change.ts";
import { until } from "../../support/until.ts";
import { binding, credential, vaultOf } from "../../vault/make-vault.ts";
import { request } from "../gate/payloads.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import { CERTIFICATE, connectRaw, listen, NAME, SECRET, startRawOrigin, startRelay } from "./world.ts";

const HOST = `Host: ${NAME}`;
const PLACEHOLDER = "__token__";
const ACCEPT = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

async function ask(text: string) {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port, findChange: createFindChange() });
  const token = credential("token", SECRET);
  const substitutions = [
    { credential: token, placeholder: PLACEHOLDER, surfaces: ["query", "header", "body"] },
  ] as const;
  relay.vault.write(vaultOf(binding("token", { hosts: [NAME], substitutions })));
  const client = await connectRaw(relay.port);
  client.socket.write(text, "latin1");
  return { origin, relay, client };
}

/** An exchange whose request was none of the refused. */
async function exchange(text: string) {
  const world = await ask(text);
  const server = await world.origin.next();
  await server.has("\r\n\r\n");
  return { ...world, server };
}

test("a body that may be changed, and is empty, is still said to be so", async () => {
  const { server } = await exchange(request("PUT / HTTP/1.1", HOST, "Content-Length: 0"));
  expect(server.text()).toMatch(/\r\nContent-Length: 0\r\n\r\n$/);
  expect(server.text()).not.toContain("chunked");
});

describe("what an origin gives back", () => {
  test("loses the secret in its headers, its status line and its body, however that is cut", async () => {
    const { client, server } = await exchange(request("GET / HTTP/1.1", HOST, "Accept-Encoding: gzip"));
    expect(server.text()).toContain("accept-encoding: identity\r\n");
    server.socket.write(
      `HTTP/1.1 200 is ${SECRET}\r\nX-Echo: Bearer ${SECRET}\r\nContent-Length: 26\r\n\r\nyou sent s3c`,
    );
    await client.has("X-Echo");
    server.socket.write(`r3t, and it's `);
    await client.has("0\r\n\r\n");
    expect(client.text()).toContain("X-Echo: [REDACTED]\r\n");
    expect(client.text()).not.toMatch(/s3c|r3t/);
  });

  test("is no event later for it", async () => {
    const { client, server } = await exchange(request("GET / HTTP/1.1", HOST));
    server.socket.write(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    for (const event of ["data: one\n\n", "data: two\n\n"]) {
      server.socket.write(`${event.length.toString(16)}\r\n${event}\r\n`);
      await expect.poll(client.text).toContain(event);
    }
  });

  test("loses the secret in its trailers, and each field whose name has it", async () => {
    const { client, server } = await exchange(
      request("GET / HTTP/1.1", HOST, "Connection: TE", "TE: trailers"),
    );
    server.socket.write(
      `HTTP/1.1 200 OK\r\nX-${SECRET}: 1\r\nX-Last: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    server.socket.write(`0\r\nX-Sum: ${SECRET}\r\nX-${SECRET}: 1\r\n\r\n`);
    const text = await client.has("\r\n0\r\n");
    expect(text).toContain("\r\nX-Last: 1\r\n");
    await client.has("0\r\nX-Sum: [REDACTED]\r\n\r\n");
    expect(client.text()).not.toContain(SECRET);
  });

  test("loses the secret in its trailers before a client of HTTP/2, too", async () => {
    const origin = await startRawOrigin();
    const findChange = createFindChange();
    const relay = await startRelay({ origin: origin.port, protocols: ["h2"], findChange });
    const asking = askH2(dialH2(relay.port), { te: "trailers" });
    const server = await origin.next();
    await server.has("\r\n\r\n");
    server.socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    server.socket.write(`0\r\nX-Sum: ${SECRET}\r\n\r\n`);
    expect((await asking).trailers).toMatchObject({ "x-sum": "[REDACTED]" });
  });

  test("is stars on a WebSocket, whose frames keep their length", async () => {
    const upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
    const { client, server } = await exchange(
      request(
        "GET /ws HTTP/1.1",
        HOST,
        ...upgrade,
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Extensions: permessage-deflate",
      ),
    );
    expect(server.text()).not.toContain("permessage-deflate");
    server.socket.write(`HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${ACCEPT}\r\n\r\n`);
    await client.has("101");
    server.socket.write(`\x81\x06${SECRET}`, "latin1");
    await expect.poll(client.text).toContain("\x81\x06******");
    // What the message ends with begins the secret.
    server.socket.write("\x81\x02s3", "latin1");
    await expect.poll(client.text).toContain("\x81\x02s3");
    server.socket.write("\x81\x82abcdef", "latin1");
    await until("a frame that cannot be read ends it", client.closed);
  });
});

describe("how an answer comes says nothing of a secret that has begun in it", () => {
  const guesses = ["s", "s3", "s3c", "s3cr", "s3cr3", "x", "token ", "=", "czNj", "\0"];

  /** What a client gets of an answer in these pieces, the last of which ends nothing. */
  async function answered(secret: string, type: string): Promise<string> {
    const origin = await startRawOrigin();
    const relay = await startRelay({ origin: origin.port, findChange: createFindChange() });
    const auth = { type: "bearer", credential: credential("token", secret) } as const;
    relay.vault.write(vaultOf(binding("token", { hosts: [NAME], auth })));
    const client = await connectRaw(relay.port);
    client.socket.write(request("GET / HTTP/1.1", HOST));
    const server = await origin.next();
    await server.has("\r\n\r\n");
    server.socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`);
    for (const guess of guesses) {
      const piece = `${"-".repeat(400)}${guess}`;
      const before = relay.upstreams[0]?.bytesRead ?? 0;
      server.socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
      await until("it has come", () => (relay.upstreams[0]?.bytesRead ?? 0) > before);
    }
    server.socket.write("0\r\n\r\n");
    return client.has(/\r\n0\r\n\r\n$/);
  }

  test.each(["text/plain", "application/json", "application/grpc-web-text"])("of type %s", async (type) => {
    const texts = await Promise.all(["s3cr3t", "q7w8e9"].map((secret) => answered(secret, type)));
    expect(texts[0]).toContain(guesses[4]);
    expect(texts[0]).toBe(texts[1]);
  });

  test("messages of gRPC come whole, whatever they end with", async () => {
    const server = createSecureServer(CERTIFICATE);
    server.on("stream", (stream: ServerHttp2Stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.on("data", (octets: Buffer) => stream.write(octets));
    });
    const port = await listen(server);
    const relay = await startRelay({ origin: port, protocols: ["h2"], findChange: createFindChange() });
    const asked = { ":method": "POST", ":path": "/", "content-type": "application/grpc" };
    const stream = dialH2(relay.port).request(asked);
    const got: Buffer[] = [];
    stream.on("data", (octets: Buffer) => got.push(octets));
    let sent = "";
    for (const message of ["\0\0\0\0\0", "\0\0\0\0\x02s3", "\0\0\0\0\x01\0"]) {
      stream.write(Buffer.from(message, "latin1"));
      sent += message;
      await expect.poll(() => Buffer.concat(got).toString("latin1")).toBe(sent);
    }
  });
});

describe("a placeholder", () => {
  test("holds up no message of a stream that ends as one begins", async () => {
    const { client, server } = await exchange(
      request("POST / HTTP/1.1", HOST, "Content-Type: application/grpc", "Transfer-Encoding: chunked"),
    );
    const message = `\0\0\0\0\x08it is __`;
    client.socket.write(`d\r\n${message}\r\n`, "latin1");
    await server.has(message);
    // The next one asks for a secret of another length.
    client.socket.write(`e\r\n\0\0\0\0\x09${PLACEHOLDER}\r\n`, "latin1");
    await until("it is cut", server.closed);
    expect(server.text()).toMatch(new RegExp(`${message}\r\n$`));
  });

  test("is filled in query, header and body; the length is not told any more", async () => {
    const { server } = await exchange(
      `${request(`POST /?key=${PLACEHOLDER} HTTP/1.1`, HOST, `X-Key: ${PLACEHOLDER}`, "Content-Length: 11")}a ${PLACEHOLDER}`,
    );
    const text = await server.has("0\r\n\r\n");
    expect(text).toContain(`POST /?key=${SECRET} HTTP/1.1\r\n`);
    expect(text).toContain(`X-Key: ${SECRET}\r\n`);
    expect(text.replaceAll(/\r\n[\da-f]+\r\n/g, "")).toContain(`a ${SECRET}`);
    expect(text).not.toContain("Content-Length");
  });

  test.each([
    ["the path", request(`GET /${PLACEHOLDER} HTTP/1.1`, HOST)],
    ["User-Agent", request("GET / HTTP/1.1", HOST, `User-Agent: ${PLACEHOLDER}`)],
    ["a cookie", request("GET / HTTP/1.1", HOST, `Cookie: a=${PLACEHOLDER}`)],
  ])("in %s is refused, and nothing is sent", async (_, text) => {
    const { client, relay, origin } = await ask(text);
    await client.has("HTTP/1.1 403 ");
    await until("the connection is closed", client.closed);
    expect(relay.told.refused).toHaveLength(1);
    expect(origin.connections).toEqual([]);
  });

  test("in a trailer has the exchange cut before it goes on", async () => {
    const chunked = ["Transfer-Encoding: chunked", "Connection: TE", "TE: trailers"];
    const { client, relay, server } = await exchange(request("POST / HTTP/1.1", HOST, ...chunked));
    client.socket.write(`1\r\nx\r\n0\r\nX-Key: ${PLACEHOLDER}\r\n\r\n`);
    await until("the connection is closed", client.closed);
    await until("the origin's is closed", server.closed);
    expect(relay.told.cut).toHaveLength(1);
    expect(server.text()).not.toMatch(/X-Key|0\r\n\r\n/);
  });
});
