import type { ClientHttp2Session } from "node:http2";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { describe, expect, test } from "vitest";
import type { FindChange } from "../../../src/relay/ports.ts";
import { createFindChange } from "../../../src/scrub/message-change.ts";
import { until } from "../../support/until.ts";
import { binding, credential, vaultOf } from "../../vault/make-vault.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import {
  CERTIFICATE,
  defer,
  listen,
  NAME,
  SECRET,
  type RelayWishes,
  startRawOrigin,
  startRelay,
} from "./world.ts";

/** An origin that speaks HTTP/1.1 alone. */
async function meet(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  wishes: Partial<RelayWishes> = {},
) {
  const server = createServer({ ...CERTIFICATE, ALPNProtocols: ["http/1.1"] }, handle);
  const relay = await startRelay({ origin: await listen(server), protocols: ["h2"], ...wishes });
  return { relay, client: dialH2(relay.port) };
}

/** What frames the body of a request as the origin gets it. */
async function frameOf(
  method: string,
  headers: Readonly<Record<string, string>>,
  { findChange, body }: { readonly findChange?: FindChange | undefined; readonly body?: string } = {},
) {
  const raw: string[] = [];
  const { client, relay } = await meet(
    (request, response) => {
      for (const [index, name] of request.rawHeaders.entries())
        if (index % 2 === 0 && /^(?:content-length|transfer-encoding)$/i.test(name))
          raw.push(`${name.toLowerCase()}: ${request.rawHeaders[index + 1]}`);
      request.resume().once("end", () => response.end());
    },
    findChange === undefined ? {} : { findChange },
  );
  if (findChange !== undefined) {
    const filled = {
      credential: credential("b", SECRET, 2),
      placeholder: "__p__",
      surfaces: ["body"] as const,
    };
    relay.vault.write(vaultOf(binding("token", { hosts: [NAME], substitutions: [filled] })));
  }
  const answer = await askH2(client, { ":method": method, ...headers }, body);
  expect(answer).toMatchObject({ status: 200, code: 0 });
  return { raw };
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
    for (const round of ['{"a":1}', '{"a":2}']) {
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

  test.each([
    ["PUT", { "content-length": "0" }, "content-length: 0"],
    ["DELETE", { "content-length": "0" }, "content-length: 0"],
    ["GET", { "content-length": "0" }, "content-length: 0"],
    ["POST", {}, "content-length: 0"],
    ["PUT", {}, "content-length: 0"],
    ["PATCH", {}, "content-length: 0"],
    ["PROPFIND", {}, "content-length: 0"],
    ["GET", {}, undefined],
    ["HEAD", {}, undefined],
    ["DELETE", {}, undefined],
    ["OPTIONS", {}, undefined],
  ])("has the origin told that a %s with %j has no body: %s", async (method, headers, framing) => {
    const { raw } = await frameOf(method, headers);
    expect(raw).toEqual(framing === undefined ? [] : [framing]);
  });

  test.each([undefined, createFindChange()])(
    "has an empty body counted as one, end as it may",
    async (findChange) => {
      const { raw } = await frameOf("PUT", { "content-length": "0" }, { findChange, body: "" });
      expect(raw).toEqual(["content-length: 0"]);
    },
  );

  test("has an empty body without a length ended, though it came before the origin is reached", async () => {
    expect((await frameOf("POST", {}, { body: "" })).raw).toEqual(["transfer-encoding: chunked"]);
  });

  test.each([
    ["HEAD", 200],
    ["GET", 304],
  ])("gets the length that an answer to %s with %i tells", async (method, status) => {
    const { client } = await meet((_request, response) => {
      response.writeHead(status, { "Content-Length": 12 });
      response.end();
    });
    const answer = await askH2(client, { ":method": method });
    expect(answer).toMatchObject({ status, body: "", headers: { "content-length": "12" }, code: 0 });
  });

  test("gets an empty answer with its length", async () => {
    const { client } = await meet((_request, response) => {
      response.writeHead(200, { "Content-Length": 0 });
      response.end();
    });
    expect(await askH2(client, {})).toMatchObject({
      status: 200,
      headers: { "content-length": "0" },
      code: 0,
    });
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

  test("that reads nothing has one who waits for it, however small the chunks are", async () => {
    const warnings: string[] = [];
    const take = ({ message }: Error): void => void warnings.push(message);
    process.on("warning", take);
    defer(() => void process.off("warning", take));
    const origin = await startRawOrigin();
    const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
    const stream = dialH2(relay.port).request({ ":path": "/" });
    let length = 0;
    const server = await origin.next();
    await server.has("\r\n\r\n");
    server.socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (let part = 0; part < 200; part++) server.socket.write("2\r\nab\r\n".repeat(2000));
    await until("it is full", () => relay.upstreams[0]?.isPaused());
    stream.on("data", (octets: Buffer) => (length += octets.length));
    await until("all is read", () => length === 200 * 2000 * 2);
    expect(warnings).toEqual([]);
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

describe("many sessions share one bound of connections to origins of HTTP/1.1", () => {
  const SESSIONS = 24;
  const EACH = 8;
  const SHARED = 20;

  /** What is under way at the origin, which answers what it is told to. */
  async function crowd() {
    const held: ServerResponse[] = [];
    const { relay } = await meet((_request, response) => void held.push(response), { lineRooms: SHARED });
    const dial = (): ClientHttp2Session => dialH2(relay.port);
    const openOnes = (): number => relay.upstreams.filter(({ destroyed }) => !destroyed).length;
    return { held, dial, openOnes };
  }

  test("each has one, all have the others together, and all requests are answered", async () => {
    const { held, dial, openOnes } = await crowd();
    const clients = Array.from({ length: SESSIONS }, dial);
    const asking = clients.flatMap((client) => Array.from({ length: EACH }, async () => askH2(client, {})));
    await until("the bound is reached", () => held.length === SESSIONS + SHARED);
    for (let answered = 0; answered < SESSIONS * EACH; answered++) {
      const next = await until("one is waiting", () => held.shift());
      expect(openOnes()).toBeLessThanOrEqual(SESSIONS + SHARED);
      next.end("x");
    }
    for (const answer of await Promise.all(asking)) expect(answer).toMatchObject({ status: 200, body: "x" });
  });

  test("connections that rest go for sessions that need more, and their own sessions go on", async () => {
    const { held, dial, openOnes } = await crowd();
    const [first, second] = [dial(), dial()];
    const ask = (client: typeof first, count: number) =>
      Array.from({ length: count }, () => askH2(client, {}));
    const answerAll = async (count: number): Promise<void> => {
      await until("all have come", () => held.length === count);
      for (const response of held.splice(0)) response.end("x");
    };
    const resting = ask(first, SHARED + 1);
    await answerAll(SHARED + 1);
    await Promise.all(resting);
    expect(openOnes()).toBe(SHARED + 1);
    const more = ask(second, SHARED + 1);
    await answerAll(SHARED + 1);
    await Promise.all(more);
    // The first session has what each may have, the second that and all the others.
    await expect.poll(openOnes).toBe(SHARED + 2);
    const again = ask(first, 1);
    await answerAll(1);
    expect(await again[0]).toMatchObject({ status: 200, body: "x" });
  });

  test("sessions that end in the middle leave their room to the others", async () => {
    const { held, dial, openOnes } = await crowd();
    const greedy = dial();
    const others = Array.from({ length: 4 }, dial);
    const lost = Array.from({ length: SHARED + 1 }, () => askH2(greedy, {}).catch(() => undefined));
    await until("it has all the room", () => held.length === SHARED + 1);
    const asking = others.flatMap((client) => Array.from({ length: 3 }, () => askH2(client, {})));
    await until("each of the others has its one", () => held.length === SHARED + 5);
    greedy.destroy();
    await Promise.all(lost);
    await until("all of the others' have come", () => held.length === SHARED + 1 + 12);
    for (const response of held) response.end("x");
    for (const answer of await Promise.all(asking)) expect(answer).toMatchObject({ status: 200 });
    expect(openOnes()).toBeLessThanOrEqual(12);
  });
});
