/**
 * The relay with placeholders filled and secrets taken out, between a real client and an origin driven by
 * hand.
 */
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createFindChange } from "../../src/scrub/message-change.ts";
import type { Surface } from "../../src/vault/binding.ts";
import { Secret } from "../../src/vault/secret.ts";
import { request } from "../relay/gate/payloads.ts";
import { connectRaw, NAME, type RawConnection, startRawOrigin, startRelay } from "../relay/io/world.ts";
import { until } from "../support/until.ts";
import { binding, credential, vaultOf } from "../vault/make-vault.ts";

const HOST = `Host: ${NAME}`;
const PLACEHOLDER = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
const VALUE = "ghp_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789";
const OTHER = "sk-ant-other-secret-of-another-host-00";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** A relay whose one binding fills the placeholder on these surfaces; another host has another. */
async function meet(...surfaces: readonly [Surface, ...Surface[]]) {
  const origin = await startRawOrigin();
  const misplaced: string[] = [];
  const findChange = createFindChange((host, place) => misplaced.push(`${host}: ${place}`));
  const relay = await startRelay({ origin: origin.port, findChange });
  const fill = (placeholder: string, value: string, id: number) => ({
    auth: { type: "passthrough" } as const,
    substitutions: [{ credential: credential("T", value, id), placeholder, surfaces }],
  });
  const own = binding("own", { hosts: [NAME], ...fill(PLACEHOLDER, VALUE, 1) });
  const other = binding("other", { hosts: ["other.example.org"], ...fill(OTHER, "other value", 2) });
  relay.vault.write(vaultOf(own, other));
  return { origin, relay, misplaced, client: await connectRaw(relay.port) };
}

/** What the origin has got once a head and the body's end have come. */
async function send(text: string, ...surfaces: readonly [Surface, ...Surface[]]) {
  const world = await meet(...surfaces);
  world.client.socket.write(text);
  const server = await world.origin.next();
  return { ...world, server, got: await server.has(/\r\n\r\n(?:[^]*0\r\n\r\n)?/) };
}

/** What the client has got of the origin's answer once that has closed. */
async function answered(
  ...pieces: readonly (string | Buffer)[]
): Promise<{ client: RawConnection; text: string }> {
  const { client, server } = await send(request("GET / HTTP/1.1", HOST), "header");
  for (const piece of pieces) server.socket.write(piece);
  server.socket.end();
  await until("the connection is closed", client.closed);
  return { client, text: client.text() };
}

describe("on the way out a placeholder is filled", () => {
  test("in a header, and in what a Basic header says", async () => {
    const basic = `Basic ${base64(`robot:${PLACEHOLDER}`)}`;
    const { got } = await send(
      request("GET / HTTP/1.1", HOST, `Authorization: ${basic}`, `X-Key: ${PLACEHOLDER}`),
      "header",
    );
    expect(got).toContain(`Authorization: Basic ${base64(`robot:${VALUE}`)}\r\nX-Key: ${VALUE}\r\n`);
  });

  test("in the path and the query", async () => {
    const { got } = await send(
      request(`GET /bot${PLACEHOLDER}/x?key=${PLACEHOLDER}?&a HTTP/1.1`, HOST),
      "path",
      "query",
    );
    expect(got).toContain(`GET /bot${VALUE}/x?key=${VALUE}?&a HTTP/1.1\r\n`);
  });

  test("in a body, whose length holds", async () => {
    const body = JSON.stringify({ token: PLACEHOLDER });
    const head = request(
      "POST / HTTP/1.1",
      HOST,
      "Content-Type: application/json",
      `Content-Length: ${body.length}`,
    );
    const { server } = await send(head + body, "body");
    expect(await server.has("}")).toContain(`Content-Length: ${body.length}\r\n`);
    expect(server.text()).toContain(JSON.stringify({ token: VALUE }));
  });
});

describe("a placeholder that is misplaced has its request refused, and nothing is sent", () => {
  const fields = ["User-Agent: x", "Referer: https://example.org/?", "Cookie: a=", "X-Data: ", "Origin: "];

  test.each([
    ...fields.map((field) => request("GET / HTTP/1.1", HOST, `${field}${PLACEHOLDER}`)),
    request(`GET /${PLACEHOLDER} HTTP/1.1`, HOST),
    request(`GET /?a=${PLACEHOLDER} HTTP/1.1`, HOST),
    request("GET / HTTP/1.1", HOST, `X-Data: ${base64(PLACEHOLDER)}`),
    request("GET / HTTP/1.1", HOST, `Authorization: Bearer ${OTHER}`),
    request("GET / HTTP/1.1", HOST, `Authorization: Basic ${base64(`a:${OTHER}`)}`),
    request("GET / HTTP/1.1", HOST, `${PLACEHOLDER}: 1`),
    request("OPTIONS / HTTP/1.1", HOST, `Authorization: Bearer ${PLACEHOLDER}`),
  ])("%s", async (text) => {
    const { client, relay, misplaced } = await meet("body");
    client.socket.write(text);
    await until("the connection is closed", client.closed);
    expect(client.text()).toMatch(/^HTTP\/1\.1 403 /);
    expect(client.text()).toContain("a secret's placeholder is in");
    expect([relay.dialled(), relay.told.refused.length]).toEqual([0, 1]);
    expect(misplaced).toEqual([expect.stringMatching(new RegExp(`^${NAME}: (?:the|a) `))]);
    expect(JSON.stringify(relay.told)).not.toContain(PLACEHOLDER);
  });

  test.each([
    [
      request("GET / HTTP/1.1", HOST, `Upstash-Forward-Authorization: ${PLACEHOLDER}`),
      "--secret NAME@HOST:HEADER",
    ],
    [request("GET / HTTP/1.1", HOST, `Authorization: ${OTHER}`), "authorization, which is not filled\n"],
    [request("OPTIONS / HTTP/1.1", HOST, `Authorization: ${PLACEHOLDER}`), "no binding of this host is for"],
  ])("and is told what is to be done: %s", async (text, remedy) => {
    const { client } = await meet("header");
    client.socket.write(text);
    await until("the connection is closed", client.closed);
    expect(client.text()).toContain(remedy);
  });

  test("in a body, cut anywhere: the rest of it does not go on", async () => {
    const { client, origin } = await meet("header");
    client.socket.write(request("POST / HTTP/1.1", HOST, "Content-Length: 100", `X-Key: ${PLACEHOLDER}`));
    client.socket.write(`"${PLACEHOLDER.slice(0, 10)}`);
    const server = await origin.next();
    await server.has("\r\n\r\n");
    client.socket.write(`${PLACEHOLDER.slice(10)}"`);
    await until("the origin's connection is closed", server.closed);
    expect(server.text()).not.toContain(PLACEHOLDER);
  });

  test("in a compressed body it could not be seen: that is refused if it may have to be filled", async () => {
    const { client, relay } = await meet("body");
    client.socket.write(request("POST / HTTP/1.1", HOST, "Content-Encoding: gzip", "Content-Length: 3"));
    await until("the connection is closed", client.closed);
    expect(client.text()).toMatch(/^HTTP\/1\.1 415 /);
    expect(relay.dialled()).toBe(0);
  });
});

describe("on the way back secrets are taken out", () => {
  test("of header values and the reason", async () => {
    const { text } = await answered(
      `HTTP/1.1 302 no ${VALUE}\r\nLocation: https://other.example.org/?${VALUE}\r\nX-Hex: ${Buffer.from(VALUE).toString("hex")}\r\nContent-Length: 0\r\n\r\n`,
    );
    expect(text).toMatch(
      /^HTTP\/1\.1 302 no \[REDACTED\]\r\nLocation: https:\/\/other\.example\.org\/\?\[REDACTED\]\r\nX-Hex: \[REDACTED\]\r\n/,
    );
  });

  test("of a body whose chunks end in mid-secret", async () => {
    const body = `{"echo":"${VALUE}","basic":"${base64(`robot:${VALUE}`)}"}`;
    const { text } = await answered(
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
      ...Array.from({ length: body.length }, (_none, at) => body.charAt(at)),
    );
    const joined = text.replaceAll(/\r\n[\da-f]+\r\n/g, "");
    expect(joined).toContain('{"echo":"[REDACTED]"');
    expect(text).not.toContain(VALUE.slice(8));
    expect(text).not.toContain(base64(`robot:${VALUE}`).slice(12, 40));
  });

  test("of an event stream, each event of which comes before the next is sent", async () => {
    const { client, server } = await send(request("GET / HTTP/1.1", HOST), "header");
    server.socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    for (const [index, event] of [
      `data: 0 ${VALUE}\n\n`,
      "data: 1 plain\n\n",
      `data: 2 ${VALUE}\n\n`,
    ].entries()) {
      server.socket.write(event);
      await client.has(new RegExp(String.raw`data: ${index} [^\n]+\n\n`));
    }
    expect(client.text()).toContain("data: 0 [REDACTED]\n\n");
    expect(client.text()).not.toContain(VALUE);
  });

  test("a secret of another host's binding is not looked for, so nothing is told of it", async () => {
    const { text } = await answered("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nother value");
    expect(text).toContain("other value");
  });
});

describe("compression", () => {
  test("is not asked for", async () => {
    const { got } = await send(request("GET / HTTP/1.1", HOST, "Accept-Encoding: gzip, br"), "header");
    expect(got.match(/accept-encoding: .*\r\n/gi)).toEqual(["accept-encoding: identity\r\n"]);
  });

  test("that comes all the same has the answer cut, none of the body is passed on", async () => {
    const packed = gzipSync(`{"echo":"${VALUE}"}`);
    const { text } = await answered(
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`,
      packed,
    );
    expect(text).not.toContain(packed.toString("latin1").slice(0, 10));
  });
});

test("an answer that goes on loses the secrets that have come in force meanwhile, too", async () => {
  const { client, relay, server, origin } = await send(request("GET / HTTP/1.1", HOST), "header");
  server.socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
  await client.has("data: 1\n\n");
  const auth = { type: "bearer", credential: credential("T", "next-s3cr3t-value") } as const;
  relay.vault.write(vaultOf(binding("own", { hosts: [NAME], auth })));
  const later = await connectRaw(relay.port);
  later.socket.write(request("GET / HTTP/1.1", HOST));
  await (await origin.next()).has("next-s3cr3t-value");
  server.socket.write(`data: next-s3cr3t-value, ${VALUE}\n\n`);
  await expect.poll(client.text).toContain("data: [REDACTED], [REDACTED]\n\n");
});

test("a change of the vault holds for the next request", async () => {
  const { relay, client, server } = await send(
    request("GET /1 HTTP/1.1", HOST, `X-Key: ${PLACEHOLDER}`),
    "header",
  );
  server.socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  await client.has("ok");
  const substitutions = [
    { credential: credential("T", "changed", 1), placeholder: PLACEHOLDER, surfaces: ["header"] },
  ] as const;
  relay.vault.write(vaultOf(binding("own", { hosts: [NAME], auth: { type: "passthrough" }, substitutions })));
  client.socket.write(request("GET /2 HTTP/1.1", HOST, `X-Key: ${PLACEHOLDER}`));
  expect(await server.has("GET /2 ")).toMatch(new RegExp(`X-Key: ${VALUE}\r\n`));
  await server.has(/GET \/2 [^]*X-Key: changed\r\n/);
});

/** 1 KiB each, without a spelling in common. */
const large = (host: string, count: number) =>
  Array.from({ length: count }, (_, n) => {
    const value = `${host}-${n}-`.padEnd(1024, `${n}`);
    const auth = { type: "apiKey" as const, name: "X-Key", credential: credential("T", value, n) };
    return binding(`${host} ${n}`, { hosts: [host], paths: [`/${n}`], auth });
  });

describe("a vault with more than can be looked for", () => {
  test("has the oldest of former values left out, and serves requests", async () => {
    const origin = await startRawOrigin();
    const relay = await startRelay({ origin: origin.port, findChange: createFindChange() });
    const [now = "", ...former] = Array.from({ length: 5 }, (_, age) => `${age}-`.padEnd(40 << 10, `${age}`));
    const rotated = { ...credential("T", now), former: former.map((value) => new Secret(value)) };
    const auth = { type: "bearer", credential: rotated } as const;
    const small = { ...credential("U", "now-s3cr3t", 2), former: [new Secret("former-s3cr3t")] };
    const other = { type: "apiKey", name: "X-Key", credential: small } as const;
    relay.vault.write(
      vaultOf(
        binding("own", { hosts: [NAME], auth, paths: ["/"] }),
        binding("other", { hosts: [NAME], auth: other, paths: ["/other"] }),
      ),
    );
    const client = await connectRaw(relay.port);
    client.socket.write(request("GET / HTTP/1.1", HOST));
    const server = await origin.next();
    await server.has(/Bearer 0-[^]*\r\n\r\n/);
    server.socket.end(
      `HTTP/1.1 200 OK\r\n\r\n${[now, ...former].map((value) => `<${value}>`).join("")}<former-s3cr3t>`,
    );
    await until("the answer has come", client.closed);
    const said = client.text().replaceAll(/(\d)-\1*/g, "$1");
    expect(said).toContain("<[REDACTED]><[REDACTED]><[REDACTED]><3><4><[REDACTED]>");
  });

  test("has requests to the host over the bound refused, and serves the others", async () => {
    const origin = await startRawOrigin();
    const relay = await startRelay({ origin: origin.port, findChange: createFindChange() });
    relay.vault.write(vaultOf(...large(NAME, 257)));
    const refused = await connectRaw(relay.port);
    refused.socket.write(request("GET /1 HTTP/1.1", HOST));
    await refused.has(/^HTTP\/1\.1 503 [^]*over 262144 octets/);
    expect(origin.connections).toEqual([]);
    relay.vault.write(vaultOf(...large(NAME, 2), ...large("other.example.org", 300)));
    const served = await connectRaw(relay.port);
    served.socket.write(request("GET /1 HTTP/1.1", HOST));
    const server = await origin.next();
    expect(await server.has("\r\n\r\n")).toMatch(/^x-key: api\.example\.org-1-/im);
  });

  test("has placeholders counted, of whatever host they are", async () => {
    const origin = await startRawOrigin();
    const relay = await startRelay({ origin: origin.port, findChange: createFindChange() });
    const substitutions = Array.from({ length: 257 }, (_, n) => ({
      credential: credential("T", "v", n),
      placeholder: `__${n}__`.padEnd(1024, "x"),
      surfaces: ["header" as const],
    }));
    const other = binding("other", { hosts: ["other.example.org"], substitutions });
    relay.vault.write(vaultOf(binding("own", { hosts: [NAME] }), other));
    const client = await connectRaw(relay.port);
    client.socket.write(request("GET / HTTP/1.1", HOST));
    await client.has(/^HTTP\/1\.1 503 /);
    expect(origin.connections).toEqual([]);
  });
});
