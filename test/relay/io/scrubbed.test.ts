/** The relay with what fills placeholders and takes secrets out, as the sidecar has it. */
import { describe, expect, test } from "vitest";
import { createFindChange } from "../../../src/scrub/message-change.ts";
import { until } from "../../support/until.ts";
import { binding, credential, vaultOf } from "../../vault/make-vault.ts";
import { request } from "../gate/payloads.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import { connectRaw, NAME, SECRET, startRawOrigin, startRelay } from "./world.ts";

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

describe("what an origin gives back", () => {
  test("loses the secret in its headers, its status line and its body, however that is cut", async () => {
    const { client, server } = await exchange(request("GET / HTTP/1.1", HOST, "Accept-Encoding: gzip"));
    expect(server.text()).toContain("accept-encoding: identity\r\n");
    server.socket.write(
      `HTTP/1.1 200 is ${SECRET}\r\nX-Echo: Bearer ${SECRET}\r\nContent-Length: 26\r\n\r\nyou sent s3c`,
    );
    await client.has("you sent ");
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
  });
});

describe("a placeholder", () => {
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
