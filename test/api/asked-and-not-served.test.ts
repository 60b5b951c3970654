/**
 * What a call asks for and the API does not serve is refused: it is never dropped while the change is made.
 */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { sendRaw, startApi } from "./api-server.ts";

const RULES = '[{"action":"allow","target":"a.example"}]';

function request(target: string, headers: readonly string[], version = "HTTP/1.1"): string {
  const all = [`PATCH ${target} ${version}`, ...headers, `Content-Length: ${RULES.length}`];
  return `${all.join("\r\n")}\r\nConnection: close\r\n\r\n${RULES}`;
}

describe("a request", () => {
  const HOST = "Host: x";
  const CHUNKED = `5\r\n[{"ta\r\n0\r\n\r\n`;
  const encoded = (encoding: string, version = "HTTP/1.1"): string =>
    `PATCH /policy ${version}\r\nHost: x\r\nTransfer-Encoding: ${encoding}\r\n\r\n${CHUNKED}`;

  test.each([
    ["whose query stands in a fragment", request("/policy#?dryRun=true", [HOST]), /fragment/],
    ["whose query ends in a fragment", request("/policy?dryRun=true#x", [HOST]), /fragment/],
    ["with a fragment in a whole URL", request("http://x/policy#a", [HOST]), /fragment/],
    ["with two Host headers", request("/policy", [HOST, "host: y"]), /more than one Host header/],
    ["of HTTP/0.9", request("/policy", [HOST], "HTTP/0.9"), /HTTP\/1\.1 and HTTP\/1\.0/],
    ["of HTTP/0.9 in its oldest form", "GET /policy\r\n\r\n", /HTTP\/1\.1 and HTTP\/1\.0/],
    ["of HTTP/2 by HTTP/1's form", request("/policy", [HOST], "HTTP/2.0"), /HTTP\/1\.1 and HTTP\/1\.0/],
    ["whose body is compressed", encoded("gzip,chunked"), /Transfer-Encoding/],
    ["whose body is chunked twice", encoded("chunked, chunked"), /malformed/],
    ["of HTTP/1.0 whose body is chunked", encoded("chunked", "HTTP/1.0"), /Transfer-Encoding/],
  ])("%s is 400 and changes nothing", async (_what, text, reason) => {
    await using api = await startApi();
    const answer = await sendRaw(api.port, text);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.split("\r\n\r\n")[1]).toMatch(reason);
    expect(api.world.steps).toEqual([]);
  });
});

describe("a change", () => {
  test.each([
    ["If-None-Match", "*"],
    ["If-Modified-Since", "Sun, 29 Nov 2026 20:00:00 GMT"],
    ["If-Unmodified-Since", "Sun, 29 Nov 2026 20:00:00 GMT"],
    ["If-Range", '"x"'],
    ["Content-Range", "bytes 0-40/41"],
    ["Content-Encoding", "gzip"],
    ["X-HTTP-Method-Override", "DELETE"],
    ["X-HTTP-Method", "DELETE"],
    ["X-Method-Override", "DELETE"],
  ])("with %s is 400, and named", async (name, value) => {
    await using api = await startApi();
    const answer = await api.call("PATCH", "/policy", { body: RULES, headers: { [name]: value } });
    expect(answer).toMatchObject({ status: 400, text: expect.stringMatching(new RegExp(`^${name}: `)) });
    expect(api.world.steps).toEqual([]);
  });

  test("is none if it is a read: a condition on a read may go unheard", async () => {
    await using api = await startApi();
    expect((await api.call("GET", "/policy", { headers: { "If-None-Match": "*" } })).status).toBe(200);
  });

  test.each([
    ["without a token", undefined],
    ["beside a token", "s3cret"],
  ])("whose body is not what Content-Digest says is 400, %s", async (_who, token) => {
    await using api = await startApi({ auth: { token, allowLocalWrites: true } });
    const patch = (digest: string) =>
      api.call("PATCH", "/policy", {
        body: RULES,
        headers: { "Content-Digest": digest, "OPENSANDBOX-EGRESS-AUTH": token ?? "" },
      });
    const text = expect.stringMatching(/^Content-Digest: /);
    expect(await patch(digestOf(`${RULES} `))).toMatchObject({ status: 400, text });
    expect(await patch("sha-512=:AAAA:")).toMatchObject({ status: 400, text });
    expect(api.world.steps).toEqual([]);
    expect((await patch(digestOf(RULES))).status).toBe(200);
  });
});

describe("a body of nothing", () => {
  /** What Go's strings.TrimSpace takes for blank, as the original does. */
  const BLANK = " \t\n\v\f\r\u0085\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000";

  test.each(["", " \r\n", "\u00a0", BLANK])("but what Go takes for blank, %j, resets", async (body) => {
    await using api = await startApi();
    expect(await api.call("POST", "/policy", { body })).toMatchObject({
      status: 200,
      text: expect.stringContaining("policy reset to default deny-all"),
    });
  });

  test.each(["\uFEFF", " \uFEFF", "\uFEFF\n", "\u200b", "\u0000"])(
    "but %j is no JSON: an emptied file that an editor has marked is no wish",
    async (body) => {
      await using api = await startApi();
      expect(await api.call("POST", "/policy", { body })).toMatchObject({
        status: 400,
        text: expect.stringMatching(/^invalid policy: is not JSON/),
      });
      expect(api.world.steps).toEqual([]);
    },
  );

  test("and a byte order mark before JSON is passed over", async () => {
    await using api = await startApi();
    expect((await api.call("POST", "/policy", { body: "\uFEFF{}" })).status).toBe(200);
  });
});

describe("health that is bad", () => {
  test.each([
    ["plainly", health("/healthz")],
    ["with a query", health("/healthz?x")],
    ["with a length of 0", health("/healthz", "Content-Length: 0\r\n")],
    ["with a whole URL", health("http://x/healthz")],
    ["with a body", `${health("/healthz", "Content-Length: 2\r\n")}{}`],
    ["by HEAD with a query", health("/healthz?x").replace("GET", "HEAD")],
  ])("is told in the phrase, asked for %s", async (_how, text) => {
    await using api = await startApi();
    api.world.health = { ok: false, reason: "the policy is not enforced" };
    expect(await sendRaw(api.port, text)).toMatch(/^HTTP\/1\.1 503 the policy is not enforced\r\n/);
  });
});

describe("text in a body that looks like requests", () => {
  test.each(["GET /x HTTP/1.1", "SOURCE / ICE/1.0", "see RTSP/1.0"])("%j is a text", async (text) => {
    await using api = await startApi();
    const rules = Array.from({ length: 100 }, () => ({ target: "a.example", note: text }));
    const body = JSON.stringify(rules, undefined, 1);
    expect((await api.call("PATCH", "/policy", { body })).status).toBe(200);
  });

  test.each(["GET /policy\r\n", "GET /policy HTTP/0.9\r\n", 'GET  /"a\r\n', "GET /a\n"])(
    "requests of HTTP/0.9, %j, are not read by the thousand",
    async (line) => {
      await using api = await startApi();
      const many = `${line}Connection: keep-alive\r\n\r\n`.repeat(1000);
      expect(await sendRaw(api.port, many)).toMatch(/^HTTP\/1\.1 400 .*the request is malformed$/s);
    },
  );
});

function digestOf(text: string): string {
  return `sha-256=:${createHash("sha256").update(text).digest("base64")}:`;
}

function health(target: string, more = ""): string {
  return `GET ${target} HTTP/1.1\r\nHost: x\r\n${more}Connection: close\r\n\r\n`;
}
