import { describe, expect, test } from "vitest";
import { REFUSED_HEADS, request } from "../gate/payloads.ts";
import type { RequestRules } from "../../../src/intercept/request-rules.ts";
import { until } from "../../support/until.ts";
import { binding, credential, vaultOf } from "../../vault/make-vault.ts";
import { connectRaw, NAME, SECRET, startRawOrigin, startRelay } from "./world.ts";

const HOST = `Host: ${NAME}`;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** A client, the origin that it reaches, and the relay in between. */
async function meet() {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port });
  const client = await connectRaw(relay.port);
  return { origin, relay, client };
}

/** An exchange up to the origin's answer. */
async function ask(text: string) {
  const world = await meet();
  world.client.socket.write(text, "latin1");
  const server = await world.origin.next();
  await server.has("\r\n\r\n");
  return { ...world, server };
}

describe("injection", () => {
  test("a bound request has every spelling of the header taken out, and the secret set", async () => {
    const { server, relay } = await ask(
      request("GET /a?b HTTP/1.1", HOST, "authorization: mine", "AUTHORIZATION: too", "X-Other: 1"),
    );
    expect(server.text()).toBe(
      request("GET /a?b HTTP/1.1", HOST, "X-Other: 1", `Authorization: Bearer ${SECRET}`),
    );
    expect(relay.told.injected).toEqual([
      { host: NAME, method: "GET", binding: "token", revision: 1, headers: ["Authorization"] },
    ]);
  });

  test("a spelling with an underscore is taken out, too", async () => {
    const { relay, origin } = await meet();
    const auth = { type: "apiKey", name: "X-Api-Key", credential: credential("key", SECRET) } as const;
    relay.vault.write(vaultOf(binding("key", { hosts: [NAME], auth })));
    const client = await connectRaw(relay.port);
    client.socket.write(request("GET / HTTP/1.1", HOST, "X_Api_Key: mine", "x_api-key: too"));
    const server = await origin.next();
    expect(await server.has("\r\n\r\n")).toBe(request("GET / HTTP/1.1", HOST, `X-Api-Key: ${SECRET}`));
  });

  test("a request that no binding matches passes with its own header", async () => {
    const { server, relay } = await ask(request("OPTIONS / HTTP/1.1", HOST, "Authorization: mine"));
    expect(server.text()).toBe(request("OPTIONS / HTTP/1.1", HOST, "Authorization: mine"));
    expect(relay.told.injected).toEqual([]);
  });
});

describe("refused with nothing sent", () => {
  test.each(REFUSED_HEADS)("%s", async (_, text, status) => {
    const { relay, client } = await meet();
    client.socket.write(text, "latin1");
    await until("the connection is closed", client.closed);
    expect(client.text()).toMatch(new RegExp(String.raw`^HTTP/1\.1 ${status} [^\r]+\r\n`));
    expect(relay.told.refused).toHaveLength(1);
    expect(relay.dialled()).toBe(0);
  });

  test.each([
    ["another Host", request("GET / HTTP/1.1", "Host: b.example.org"), 421],
    ["another port", request("GET / HTTP/1.1", `${HOST}:8443`), 421],
    ["dot segments", request("GET /v1/../admin HTTP/1.1", HOST), 403],
    ["an override of the path", request("GET / HTTP/1.1", HOST, "X-Original-URL: /admin"), 403],
    ["an override of the host", request("GET / HTTP/1.1", HOST, "X-Forwarded-Host: b.example.org"), 403],
    ["an override of the method", request("POST / HTTP/1.1", HOST, "X-HTTP-Method-Override: TRACE"), 403],
  ])("%s", async (_, text, status) => {
    const { relay, client } = await meet();
    client.socket.write(text);
    await until("the connection is closed", client.closed);
    expect(client.text()).toContain(`HTTP/1.1 ${status} `);
    expect(client.text()).not.toContain(SECRET);
    expect(relay.dialled()).toBe(0);
  });

  test("a second request of another Host on a kept connection", async () => {
    const { client, server } = await ask(request("GET / HTTP/1.1", HOST));
    server.socket.write(OK);
    await client.has("ok");
    client.socket.write(request("GET / HTTP/1.1", "Host: b.example.org"));
    await client.has("HTTP/1.1 421 ");
    expect(server.text().match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test("a rule of the policy is named", async () => {
    const origin = await startRawOrigin();
    const rule = { layer: "user", rule: "no deletes" };
    const rules: RequestRules = {
      revision: () => rule,
      isRuled: () => true,
      findJudge: () => (given) => (given.methods.includes("DELETE") ? rule : undefined),
    };
    const relay = await startRelay({ origin: origin.port, rules });
    const client = await connectRaw(relay.port);
    client.socket.write(request("DELETE / HTTP/1.1", HOST));
    await expect
      .poll(client.text)
      .toContain('"message":"the policy refuses this request: by the rule no deletes"');
    expect(client.text()).toContain("Content-Type: application/json\r\n");
  });
});

describe("one exchange after the other", () => {
  test("pipelined requests wait for the answer before them", async () => {
    const { client, server, relay } = await ask(
      request("GET /1 HTTP/1.1", HOST) + request("GET /2 HTTP/1.1", HOST),
    );
    expect(server.text()).not.toContain("/2");
    server.socket.write(OK);
    await server.has("GET /2 ");
    server.socket.write("HTTP/1.1 204 No Content\r\n\r\n");
    await client.has("204");
    expect(relay.dialled()).toBe(1);
  });

  test("a body in chunks is cut anew, without extensions and trailers", async () => {
    const { server } = await ask(
      `${request("POST / HTTP/1.1", HOST, "Transfer-Encoding: chunked")}3;a=b\r\nabc\r\n0\r\nAuthorization: x\r\n\r\n`,
    );
    await server.has("0\r\n\r\n");
    expect(server.text()).toMatch(/\r\n\r\n3\r\nabc\r\n0\r\n\r\n$/);
  });

  test("a response in chunks passes with its trailers to a client that takes them", async () => {
    const { client, server } = await ask(request("GET / HTTP/1.1", HOST, "TE: trailers"));
    server.socket.write(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nAuthorization: 2\r\n\r\n",
    );
    await expect.poll(client.text).toContain("0\r\nX-Sum: 1\r\n\r\n");
  });

  test("each event of a stream passes as it comes", async () => {
    const { client, server } = await ask(request("GET / HTTP/1.1", HOST));
    server.socket.write(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      server.socket.write(`${event.length.toString(16)}\r\n${event}\r\n`);
      await expect.poll(client.text).toContain(event);
    }
  });

  test("the answer to HTTP/1.0 has no chunks and ends with its connection", async () => {
    const { client, server } = await ask(request("GET / HTTP/1.0", HOST));
    server.socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    await until("the connection is closed", client.closed);
    expect(client.text()).toBe("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok");
  });

  test("a body to the connection's end passes, and its end with it", async () => {
    const { client, server } = await ask(request("GET / HTTP/1.1", HOST));
    server.socket.end("HTTP/1.1 200 OK\r\n\r\nall of it");
    await until("the connection is closed", client.closed);
    expect(client.text()).toMatch(/\r\n\r\nall of it$/);
  });
});

describe("100-continue", () => {
  const PUT = request("PUT / HTTP/1.1", HOST, "Content-Length: 4", "Expect: 100-continue");

  test("the origin's word is passed on, then the body", async () => {
    const { client, server } = await ask(PUT);
    expect(server.text()).toContain("Expect: 100-continue\r\n");
    server.socket.write("HTTP/1.1 100 Continue\r\n\r\n");
    await client.has("HTTP/1.1 100 Continue\r\n\r\n");
    client.socket.write("body");
    await server.has("\r\n\r\nbody");
    server.socket.write(OK);
    await client.has("ok");
  });

  test("a refusal is passed on, and what follows is no request", async () => {
    const { client, server } = await ask(PUT);
    server.socket.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    await until("the connection is closed", client.closed);
    expect(client.text()).toContain("Connection: close\r\n");
  });
});

test("an early answer reaches a client that is still sending", async () => {
  const { client, server } = await ask(request("POST / HTTP/1.1", HOST, "Content-Length: 1000000"));
  client.socket.write(Buffer.alloc(100_000));
  server.socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
  await expect.poll(client.text).toMatch(/no$/);
});

describe("what the origin does wrong", () => {
  test.each([
    ["an answer of two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
    ["lines that end with LF", "HTTP/1.1 200 OK\nContent-Length: 1\n\n"],
    [
      "a protocol that nobody asked for",
      "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
    ["no HTTP", "SSH-2.0-x\r\n\r\n"],
  ])("%s is answered with 502", async (_, text) => {
    const { client, server } = await ask(request("GET / HTTP/1.1", HOST));
    server.socket.write(text);
    await expect.poll(client.text).toContain("HTTP/1.1 502 ");
  });

  test("a connection that it closes without an answer is told", async () => {
    const { client, server } = await ask(request("GET / HTTP/1.1", HOST));
    server.socket.end();
    await expect.poll(client.text).toContain("without an answer");
  });

  test("a second answer is taken for no request's", async () => {
    const { client, server, relay } = await ask(request("GET / HTTP/1.1", HOST));
    server.socket.write(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmore`);
    await until("the connection is closed", () => client.state.isClosed);
    expect(client.text()).not.toContain("more");
    expect(relay.told.cut).toEqual([{ host: NAME, text: "the origin has answered before it was asked" }]);
  });

  test("a body that ends too early is cut for the client, too", async () => {
    const { client, server } = await ask(request("GET / HTTP/1.1", HOST));
    server.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    await expect.poll(() => client.state.isClosed && client.text()).toMatch(/\r\n\r\n(?:half)?$/);
  });
});

describe("a change of the vault", () => {
  test("holds for the next request on a kept connection", async () => {
    const { client, server, relay } = await ask(request("GET /1 HTTP/1.1", HOST));
    server.socket.write(OK);
    await client.has("ok");
    const auth = { type: "bearer", credential: credential("token", "other", 1) } as const;
    relay.vault.write(vaultOf(binding("token", { hosts: [NAME], auth })));
    client.socket.write(request("GET /2 HTTP/1.1", HOST));
    await expect.poll(server.text).toMatch(/\/2 [^]*Bearer other/);
  });

  test("resets an upload that uses a deleted credential", async () => {
    const { client, server, relay } = await ask(request("POST / HTTP/1.1", HOST, "Content-Length: 100"));
    relay.vault.write(vaultOf());
    await until("both are cut", () => client.state.isClosed && server.state.isClosed && relay.open() === 0);
    expect(relay.told.cut).toHaveLength(1);
  });

  test("leaves a request alone that uses another credential", async () => {
    const { client, server, relay } = await ask(request("POST / HTTP/1.1", HOST, "Content-Length: 1"));
    const auth = { type: "bearer", credential: credential("two", "2", 2) } as const;
    relay.vault.write(
      vaultOf(binding("token", { hosts: [NAME] }), binding("two", { hosts: ["b.example.org"], auth })),
    );
    relay.vault.write(vaultOf(binding("token", { hosts: [NAME] })));
    client.socket.write("x");
    server.socket.write(OK);
    await expect.poll(client.text).toContain("ok");
  });
});

describe("WebSocket", () => {
  const UPGRADE = request(
    "GET /ws HTTP/1.1",
    HOST,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
  );
  const ACCEPT = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
  const SWITCH = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${ACCEPT}\r\n\r\n`;

  test("nothing passes before the 101, everything after it, both ways", async () => {
    const { client, server } = await ask(`${UPGRADE}early`);
    expect(server.text()).toContain(`Authorization: Bearer ${SECRET}\r\n`);
    expect(server.text()).not.toContain("early");
    server.socket.write(`${SWITCH}late`);
    await client.has(/\r\n\r\nlate$/);
    await server.has(/\r\n\r\nearly$/);
    client.socket.write("more");
    await server.has("earlymore");
  });

  test("what came early is a request, and judged, if the origin refuses", async () => {
    const { client, server } = await ask(`${UPGRADE}GET /admin HTTP/1.1\r\nHost: b.example.org\r\n\r\n`);
    server.socket.write("HTTP/1.1 426 No\r\nContent-Length: 0\r\n\r\n");
    await client.has(/426 No[^]*HTTP\/1\.1 421 /);
    expect(server.text()).not.toContain("/admin");
  });

  test("the end of one side is the end of the other", async () => {
    const { client, server, relay } = await ask(UPGRADE);
    server.socket.end(`${SWITCH}bye`);
    await until("the client hears of it", client.closed);
    expect(client.text()).toMatch(/bye$/);
    await until("the relay is over", () => relay.open() === 0);
    expect(relay.told.cut).toEqual([]);
  });
});

test("who ends the connection while it waits ends the origin's, too", async () => {
  const { client, server, relay } = await ask(request("GET / HTTP/1.1", HOST));
  client.socket.destroy();
  await until("the origin's is closed", () => server.state.isClosed);
  expect(relay.open()).toBe(0);
});

test("an origin that cannot be reached is told with the reason", async () => {
  const relay = await startRelay({ origin: 1 });
  const client = await connectRaw(relay.port);
  client.socket.write(request("GET / HTTP/1.1", HOST));
  await expect.poll(client.text).toContain("HTTP/1.1 502 ");
});
