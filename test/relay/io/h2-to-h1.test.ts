import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { describe, expect, test } from "vitest";
import { until } from "../../support/until.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import { CERTIFICATE, listen, NAME, SECRET, startRawOrigin, startRelay } from "./world.ts";

/** An origin that speaks HTTP/1.1 alone. */
async function meet(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer({ ...CERTIFICATE, ALPNProtocols: ["http/1.1"] }, handle);
  const relay = await startRelay({ origin: await listen(server), protocols: ["h2"] });
  return { relay, client: dialH2(relay.port) };
}

describe("a client of HTTP/2 before an origin of HTTP/1.1", () => {
  test("gets its answers, over a connection that is kept", async () => {
    const { client, relay } = await meet((request, response) => {
      let body = "";
      request.on("data", (part: Buffer) => (body += part.toString()));
      request.on("end", () => {
        response.setHeader("X-Seen", `${request.method} ${request.url} ${request.headers.host} ${body}`);
        response.setHeader("Connection", "keep-alive");
        response.end(request.headers.authorization);
      });
    });
    for (const round of ["1", "2"]) {
      const answer = await askH2(
        client,
        { ":method": "POST", ":path": "/a?b", authorization: "mine" },
        round,
      );
      expect(answer).toMatchObject({ status: 200, body: `Bearer ${SECRET}`, code: 0 });
      expect(answer.headers["x-seen"]).toBe(`POST /a?b ${NAME} ${round}`);
      expect(answer.headers["connection"]).toBeUndefined();
    }
    expect(relay.dialled()).toBe(1);
  });

  test("has its crumbs of cookies joined", async () => {
    const { client } = await meet((request, response) => void response.end(request.headers.cookie));
    expect((await askH2(client, { cookie: ["a=1", "b=2"] })).body).toBe("a=1; b=2");
  });

  test("has requests at once, each on a connection of its own, no more than 32", async () => {
    const held: ServerResponse[] = [];
    const { client, relay } = await meet((_request, response) => void held.push(response));
    const asking = Array.from({ length: 40 }, async () => askH2(client, {}));
    await until("32 have come", () => held.length === 32);
    for (let answered = 0; answered < 40; answered++) {
      const next = await until("one is waiting", () => held.shift());
      next.end("x");
    }
    for (const answer of await Promise.all(asking)) expect(answer).toMatchObject({ status: 200, body: "x" });
    expect(relay.dialled()).toBe(32);
  });

  test("gets trailers if it takes them", async () => {
    const { client } = await meet((_request, response) => {
      response.writeHead(200, { Trailer: "X-Sum" });
      response.write("x");
      response.addTrailers({ "X-Sum": "1" });
      response.end();
    });
    expect(await askH2(client, { te: "trailers" })).toMatchObject({ body: "x", trailers: { "x-sum": "1" } });
  });

  test("gets the body that ends with the connection", async () => {
    const origin = await startRawOrigin();
    const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
    const asking = askH2(dialH2(relay.port), {});
    const server = await origin.next();
    await server.has("\r\n\r\n");
    server.socket.end("HTTP/1.1 200 OK\r\n\r\nall of it");
    expect(await asking).toMatchObject({ status: 200, body: "all of it", code: 0 });
  });

  test.each([
    ["HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"],
    ["HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"],
    ["nothing"],
  ])("is told of an answer that is none: %j", async (text) => {
    const origin = await startRawOrigin();
    const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
    const asking = askH2(dialH2(relay.port), {});
    const server = await origin.next();
    await server.has("\r\n\r\n");
    server.socket.end(text);
    expect((await asking).status).toBe(502);
  });

  test("that resets a stream ends its connection to the origin", async () => {
    const origin = await startRawOrigin();
    const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
    const stream = dialH2(relay.port).request({ ":path": "/" });
    stream.on("error", () => undefined);
    const server = await origin.next();
    await server.has("\r\n\r\n");
    stream.close();
    await expect.poll(server.closed).toBe(true);
  });
});
