import {
  constants,
  createSecureServer,
  sensitiveHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { describe, expect, test } from "vitest";
import { createFindChange } from "../../../src/scrub/message-change.ts";
import { until } from "../../support/until.ts";
import { binding, credential, vaultOf } from "../../vault/make-vault.ts";
import { askH2, dialH2, type H2Answer } from "./h2-client.ts";
import { CERTIFICATE, listen, NAME, SECRET, startRelay } from "./world.ts";

type Handle = (stream: ServerHttp2Stream, raw: readonly string[], sensitive: unknown) => void;

async function startOrigin(handle: Handle) {
  const sessions: ServerHttp2Session[] = [];
  const server = createSecureServer(CERTIFICATE);
  server.on("session", (session) => {
    sessions.push(session);
    session.on("stream", (stream, headers, _flags, raw) => {
      stream.on("error", () => undefined);
      handle(stream, raw, Reflect.get(headers, sensitiveHeaders));
    });
  });
  return { port: await listen(server), sessions };
}

async function meet(handle: Handle, wishes: Partial<Parameters<typeof startRelay>[0]> = {}) {
  const origin = await startOrigin(handle);
  const relay = await startRelay({ origin: origin.port, protocols: ["h2"], ...wishes });
  return { origin, relay, client: dialH2(relay.port) };
}

const echo: Handle = (stream, raw) => {
  const parts: Buffer[] = [];
  stream.on("data", (part: Buffer) => parts.push(part));
  stream.on("end", () => {
    stream.respond({ ":status": 200, "alt-svc": 'h3=":443"' });
    stream.end(JSON.stringify({ raw, body: Buffer.concat(parts).toString() }));
  });
};

function sentBy({ body }: H2Answer): { readonly raw: readonly string[]; readonly body: string } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `echo` writes
  return JSON.parse(body) as { raw: string[]; body: string };
}

describe("a request", () => {
  test("gets the secret, and loses every spelling of its header; its body passes", async () => {
    const { client, relay } = await meet(echo);
    const answer = await askH2(client, { ":method": "POST", authorization: "mine", "x-other": "1" }, "hello");
    expect(answer).toMatchObject({ status: 200, code: constants.NGHTTP2_NO_ERROR });
    expect(answer.headers["alt-svc"]).toBeUndefined();
    const { raw, body } = sentBy(answer);
    expect(body).toBe("hello");
    expect(raw.join(" ")).toBe(
      `:method POST :scheme https :authority ${NAME} :path / x-other 1 authorization Bearer ${SECRET}`,
    );
    expect(relay.told.injected).toHaveLength(1);
  });

  test.each([
    [{ "content-length": "0" }, undefined],
    [{ "content-length": "0" }, ""],
  ])("that says it has no body, by %j and %j, says so to the origin", async (headers, body) => {
    const { client } = await meet(echo);
    const answer = await askH2(client, { ":method": "PUT", ...headers }, body);
    expect(sentBy(answer).raw.join(" ")).toContain("content-length 0");
  });

  test("whose empty body ends in a frame of its own, before the origin is reached, is ended", async () => {
    const { client } = await meet(echo);
    expect(await askH2(client, { ":method": "PUT" }, "")).toMatchObject({ status: 200, code: 0 });
  });

  test("has the secret marked as never to be indexed", async () => {
    let marked: unknown;
    const { client } = await meet((stream, _raw, sensitive) => {
      marked = sensitive;
      stream.respond({ ":status": 204 }, { endStream: true });
    });
    expect((await askH2(client, {})).status).toBe(204);
    expect(marked).toEqual(["authorization"]);
  });

  test("has what was filled marked so as well, in any header and in its path, and nothing else", async () => {
    const marked: unknown[] = [];
    const { client, relay } = await meet(
      (stream, raw, sensitive) => {
        marked.push(sensitive);
        stream.respond({ ":status": raw.join().includes("s3cr3t-2") ? 204 : 500 }, { endStream: true });
      },
      { findChange: createFindChange() },
    );
    const token = credential("token", "s3cr3t-2");
    const filled = {
      credential: token,
      placeholder: "__p__",
      surfaces: ["header", "query", "path"] as const,
    };
    const auth = { type: "apiKey", name: "X-Set-Key", credential: token } as const;
    relay.vault.write(vaultOf(binding("b", { hosts: [NAME], auth, substitutions: [filled] })));
    const asked = { "x-other-key": "1", "x-api-key": "__p__", "x-auth-token": "a __p__ b" };
    for (const path of ["/", "/?a=__p__", "/__p__"])
      expect((await askH2(client, { ...asked, ":path": path })).status).toBe(204);
    const headers = ["x-api-key", "x-auth-token", "x-set-key"];
    expect(marked).toEqual([headers, [":path", ...headers], [":path", ...headers]]);
  });

  test("of another authority on the same session is told to go elsewhere, and nothing is sent", async () => {
    const seen: string[] = [];
    const { client } = await meet((stream, raw) => {
      seen.push(raw.join(" "));
      stream.respond({ ":status": 204 }, { endStream: true });
    });
    expect((await askH2(client, {})).status).toBe(204);
    expect((await askH2(client, { ":authority": "b.example.org" })).status).toBe(421);
    expect((await askH2(client, { host: "b.example.org" })).status).toBe(421);
    expect(seen).toHaveLength(1);
  });

  test("with dot segments is refused", async () => {
    const { client, relay } = await meet(echo);
    expect(await askH2(client, { ":path": "/v1/%2e%2e/admin" })).toMatchObject({
      status: 403,
      body: "request path contains ambiguous segments\n",
    });
    expect(relay.dialled()).toBe(0);
  });
});

describe("a response", () => {
  test("passes with its trailers, as gRPC needs them", async () => {
    const { client } = await meet((stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "grpc-message": "fine" }));
      stream.end("message");
    });
    expect(await askH2(client, { ":method": "POST", te: "trailers" }, "x")).toMatchObject({
      body: "message",
      trailers: { "grpc-status": "0", "grpc-message": "fine" },
      code: 0,
    });
  });

  test("of a head alone passes as that", async () => {
    const { client } = await meet((stream) =>
      stream.respond({ ":status": 200, "grpc-status": "5" }, { endStream: true }),
    );
    expect(await askH2(client, {})).toMatchObject({ status: 200, headers: { "grpc-status": "5" }, body: "" });
  });

  test("has its interim ones passed before it", async () => {
    const { client } = await meet((stream) => {
      stream.additionalHeaders({ ":status": 103, link: "</a>" });
      stream.respond({ ":status": 200 });
      stream.end("x");
    });
    expect(await askH2(client, {})).toMatchObject({ status: 200, interim: [103] });
  });

  test("that comes early reaches a client that is still sending", async () => {
    const { client } = await meet((stream) => {
      stream.respond({ ":status": 403 });
      stream.end("no", () => stream.close(constants.NGHTTP2_NO_ERROR));
    });
    const stream = client.request({ ":method": "POST", ":path": "/" });
    stream.on("error", () => undefined);
    stream.write("begin");
    let body = "";
    stream.on("data", (part: Buffer) => (body += part.toString()));
    await until("the answer is there", () => body === "no");
    expect(stream.sentHeaders[":method"]).toBe("POST");
  });

  test("streams event by event", async () => {
    let origin: ServerHttp2Stream | undefined;
    const { client } = await meet((stream) => {
      origin = stream;
      stream.respond({ ":status": 200, "content-type": "text/event-stream" });
    });
    const stream = client.request({ ":path": "/" });
    let body = "";
    stream.on("data", (part: Buffer) => (body += part.toString()));
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      (await until("the origin is asked", () => origin)).write(event);
      await expect.poll(() => body).toContain(event);
    }
  });
});

test("100-continue passes from the origin, and the body after it", async () => {
  const { client } = await meet((stream, raw) => {
    stream.additionalHeaders({ ":status": 100 });
    echo(stream, raw, undefined);
  });
  const stream = client.request({ ":method": "PUT", ":path": "/", expect: "100-continue" });
  await new Promise((done) => stream.once("continue", done));
  stream.end("now");
  let body = "";
  stream.on("data", (part: Buffer) => (body += part.toString()));
  await new Promise((done) => stream.once("close", done));
  expect(body).toContain('"body":"now"');
});

describe("a reset", () => {
  test("of the client's reaches the origin with its code", async () => {
    let asked: ServerHttp2Stream | undefined;
    const { client } = await meet((stream) => (asked = stream));
    const stream = client.request({ ":path": "/" });
    stream.on("error", () => undefined);
    const origin = await until("the origin is asked", () => asked);
    stream.close(constants.NGHTTP2_CANCEL);
    await expect.poll(() => origin.closed && origin.rstCode).toBe(constants.NGHTTP2_CANCEL);
  });

  test("of the origin's reaches the client with its code", async () => {
    const { client } = await meet((stream) => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM));
    expect((await askH2(client, {})).code).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });
});

describe("a change of the vault", () => {
  test("holds for the next stream", async () => {
    const { client, relay } = await meet(echo);
    await askH2(client, {});
    const auth = { type: "bearer", credential: credential("token", "other", 1) } as const;
    relay.vault.write(vaultOf(binding("token", { hosts: [NAME], auth })));
    expect(sentBy(await askH2(client, {})).raw).toContain("Bearer other");
  });

  test("resets the streams that use a deleted credential, on both sides", async () => {
    let closed = false;
    const { client, relay } = await meet((stream) => stream.once("close", () => (closed = true)));
    const asking = askH2(client, {});
    await until("it is under way", () => relay.told.injected.length === 1);
    relay.vault.write(vaultOf());
    expect((await asking).code).toBe(constants.NGHTTP2_CANCEL);
    await until("the origin's is closed", () => closed);
    expect(relay.told.cut).toHaveLength(1);
  });
});

test("an origin that goes away has the client open another connection", async () => {
  const { client, origin } = await meet(echo);
  await askH2(client, {});
  origin.sessions[0]?.goaway();
  await until("the client is told", () => client.closed || client.destroyed);
  expect(origin.sessions).toHaveLength(1);
});

test("an origin that cannot be reached is told with the reason, also the second time", async () => {
  const relay = await startRelay({ origin: 1, protocols: ["h2"] });
  const client = dialH2(relay.port);
  expect((await askH2(client, {})).status).toBe(502);
  expect((await askH2(client, {})).status).toBe(502);
});

test("who ends the session ends the origin's, too", async () => {
  const { client, origin, relay } = await meet(echo);
  await askH2(client, {});
  client.destroy();
  await until("the relay is over", () => relay.open() === 0);
  await until("the origin's is closed", () => origin.sessions[0]?.destroyed === true);
  expect(origin.sessions).toHaveLength(1);
});
