/** Origins of HTTP/1.1 that close a kept connection just when the next request of HTTP/2 goes out. */
import { constants } from "node:http2";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import type { RequestRules } from "../../../src/intercept/request-rules.ts";
import { createOriginAuthority } from "../../support/origin-certificates.ts";
import { until } from "../../support/until.ts";
import { binding, credential, vaultOf } from "../../vault/make-vault.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import { connectRaw, NAME, type RawConnection, startRawOrigin, startRelay } from "./world.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** A connection over which one request was answered. */
async function keep() {
  const origin = await startRawOrigin();
  const raw: Socket[] = [];
  origin.server.on("connection", (socket) => raw.push(socket));
  let next: (() => void) | undefined;
  /** Called once a request is judged, and goes out then. */
  const findJudge = (): undefined => {
    const call = next;
    next = undefined;
    call?.();
  };
  const rules: RequestRules = { revision: () => raw, isRuled: () => true, findJudge };
  const relay = await startRelay({ origin: origin.port, protocols: ["h2"], rules });
  const onNext = (call: () => void): void => void (next = call);
  const client = dialH2(relay.port);
  const first = askH2(client, {});
  const server = await origin.next();
  await server.has("\r\n\r\n");
  server.socket.write(OK);
  expect(await first).toMatchObject({ status: 200, body: "ok" });
  return { origin, raw, relay, onNext, client, server };
}

/** It has the second request's head. */
async function hasSecond(server: RawConnection): Promise<void> {
  await server.has(/\r\n\r\n[^]*\r\n\r\n/);
}

async function answerNext(origin: Awaited<ReturnType<typeof startRawOrigin>>, answer = OK) {
  const server = await origin.next();
  await server.has("\r\n\r\n");
  server.socket.write(answer);
  return server;
}

describe("a request over a kept connection that is closed without an answer", () => {
  test.each(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])(
    "is asked again over a new one, by %s",
    async (method) => {
      const { origin, relay, client, server } = await keep();
      const asking = askH2(client, { ":method": method, ":path": "/second" });
      await hasSecond(server);
      server.socket.end();
      const again = await answerNext(origin);
      expect(await asking).toMatchObject({ status: 200, code: 0 });
      expect(again.text()).toContain(`${method} /second HTTP/1.1\r\n`);
      expect(relay.told.refused).toEqual([]);
      expect(relay.dialled()).toBe(2);
    },
  );

  test("is asked with its body, if that had not begun", async () => {
    const { origin, client, server } = await keep();
    const stream = client.request({ ":method": "PUT", ":path": "/" }, { endStream: false });
    let body = "";
    stream.on("data", (part: Buffer) => (body += part.toString()));
    await hasSecond(server);
    server.socket.end();
    const again = await origin.next();
    await again.has("\r\n\r\n");
    stream.end("the body");
    await again.has("8\r\nthe body\r\n0\r\n\r\n");
    again.socket.write(OK);
    await expect.poll(() => body).toBe("ok");
  });

  test.each([
    ["a POST", { ":method": "POST" }, undefined, ""],
    ["a PUT whose body has begun", { ":method": "PUT" }, "x", ""],
    ["a GET of whose answer an octet has come", {}, undefined, "H"],
    ["a GET that was told of", {}, undefined, "HTTP/1.1 103 Early Hints\r\n\r\n"],
  ] as const)("is not asked again if it is %s", async (_, headers, body, heard) => {
    const { relay, client, server } = await keep();
    const asking = askH2(client, headers, body);
    await hasSecond(server);
    if (body !== undefined) await server.has("0\r\n\r\n");
    server.socket.end(heard);
    expect((await asking).status).toBe(502);
    expect(relay.dialled()).toBe(1);
  });

  test("is asked again once", async () => {
    const { origin, relay, client, server } = await keep();
    const asking = askH2(client, {});
    await hasSecond(server);
    server.socket.end();
    const again = await origin.next();
    await again.has("\r\n\r\n");
    again.socket.end();
    expect((await asking).status).toBe(502);
    expect(relay.dialled()).toBe(2);
  });

  test("takes no other kept one, and those that rest are given up", async () => {
    const { origin, relay, client, server } = await keep();
    const both = [askH2(client, {}), askH2(client, {})];
    await hasSecond(server);
    const other = await answerNext(origin);
    server.socket.write(OK);
    await Promise.all(both);
    const asking = askH2(client, {});
    const asked = await until("one has it", () =>
      [server, other].find((one) => one.text().split("\r\n\r\n").length > (one === server ? 3 : 2)),
    );
    asked.socket.end();
    await answerNext(origin);
    expect((await asking).status).toBe(200);
    expect(relay.dialled()).toBe(3);
    await until("both are closed", () => server.state.isClosed && other.state.isClosed);
  });

  test("goes by the vault as it is then", async () => {
    const { origin, relay, client, server } = await keep();
    const asking = askH2(client, {});
    await hasSecond(server);
    const auth = { type: "bearer", credential: credential("token", "other", 1) } as const;
    relay.vault.write(vaultOf(binding("token", { hosts: [NAME], auth })));
    server.socket.end();
    const again = await answerNext(origin);
    expect((await asking).status).toBe(200);
    expect(again.text()).toContain("Bearer other\r\n");
  });

  test("goes to nobody who cannot prove the name", async () => {
    const { origin, relay, client, server } = await keep();
    const asking = askH2(client, {});
    await hasSecond(server);
    origin.server.setSecureContext(createOriginAuthority().issue([NAME]));
    server.socket.end();
    expect((await asking).status).toBe(421);
    expect(
      origin.connections
        .slice(1)
        .map((one) => one.text())
        .join(""),
    ).toBe("");
    expect(relay.told.injected).toHaveLength(2);
  });
});

test("one that a new connection does not answer is not asked again", async () => {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port, protocols: ["h2"] });
  const asking = askH2(dialH2(relay.port), {});
  const server = await origin.next();
  await server.has("\r\n\r\n");
  server.socket.end();
  expect((await asking).status).toBe(502);
  expect(relay.dialled()).toBe(1);
});

describe("a request whose head was never taken, since the kept connection was reset before", () => {
  test("is asked again, also by POST", async () => {
    const world = await keep();
    world.onNext(() => world.raw[0]?.resetAndDestroy());
    const asking = askH2(world.client, { ":method": "POST" });
    const again = await answerNext(world.origin);
    expect((await asking).status).toBe(200);
    expect(again.text()).toContain("POST / HTTP/1.1\r\n");
    expect(world.relay.told.injected).toHaveLength(3);
  });

  test("is refused so that the client may ask again, if its body has begun", async () => {
    const world = await keep();
    const [upstream] = world.relay.upstreams;
    world.onNext(() => {
      world.raw[0]?.resetAndDestroy();
      // The relay hears of it once the body has come.
      const destroy = upstream?.destroy.bind(upstream);
      if (upstream !== undefined)
        upstream.destroy = (error) => {
          world.client.ping(() => destroy?.(error));
          return upstream;
        };
    });
    expect((await askH2(world.client, { ":method": "POST" }, "body")).code).toBe(
      constants.NGHTTP2_REFUSED_STREAM,
    );
    expect(world.relay.dialled()).toBe(1);
  });
});

test("one of HTTP/1.1 has the client's connection closed, so that the client asks again", async () => {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port });
  const client = await connectRaw(relay.port);
  client.socket.write(`GET / HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`);
  const server = await answerNext(origin);
  await client.has("ok");
  client.socket.write(`GET /2 HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`);
  await server.has("GET /2 ");
  server.socket.end();
  await until("the connection is closed", () => client.state.isClosed);
  expect(client.text()).toMatch(/\r\n\r\nok$/);
  const text = "the origin has closed the connection without an answer";
  expect(relay.told.cut).toEqual([{ host: NAME, text }]);
});
