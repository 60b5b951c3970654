/**
 * Rows 34 to 37: a secret that is bound to a host, and requests that would have it elsewhere, read in another
 * way, or back; and rules for requests.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API, OTHER, SECRET, useBoundHosts } from "../support/bound-hosts.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { attack, attackWith } from "./attack.ts";

const on = useBoundHosts();
const { lab } = on;
const PLACEHOLDER = "egress-placeholder-0123456789";
const rule = (http: object) => ({ action: "allow", target: API, http });
const POLICY = {
  defaultAction: "deny",
  egress: [
    { action: "deny", target: API, http: { methods: ["DELETE"] } },
    { action: "deny", target: API, http: { paths: ["/admin/*"] } },
    rule({ methods: ["GET", "POST"], paths: ["/v1/*"] }),
    rule({ methods: ["GET", "PUT"], paths: ["/blob"] }),
    { action: "allow", target: OTHER },
  ],
};
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await on.start({ OPENSANDBOX_EGRESS_RULES: JSON.stringify(POLICY) });
  const auth = { type: "apiKey", name: "X-Injected", credential: "c" };
  const substitutions = [{ credential: "c", placeholder: PLACEHOLDER, in: ["header"] }];
  const body = {
    credentials: [{ name: "c", source: { type: "inline", value: SECRET } }],
    bindings: [{ name: "b", match: { hosts: [API] }, auth: { ...auth, substitutions } }],
  };
  const { status, text } = await sidecar.api("POST", "/credential-vault", { body });
  if (status !== 201) throw new Error(text);
});
afterAll(() => sidecar[Symbol.asyncDispose]());

interface Attempt {
  readonly text: string;
  /** Default: the bound one. */
  readonly sni?: string;
  /** Whose address is connected to; default: the bound one. */
  readonly name?: string;
}
const lines = (...all: readonly string[]): string => `${all.join("\r\n")}\r\n\r\n`;
const HOST = `Host: ${API}`;
const get = (path: string, ...fields: readonly string[]): Attempt => ({
  text: lines(`GET ${path} HTTP/1.1`, HOST, ...fields),
});
const post = (text: string): Attempt => ({ text });

/** What each attempt was told, and what the sites have seen of them. */
async function tryAll(attempts: Readonly<Record<string, Attempt>>) {
  const input = Object.entries(attempts).map(([what, { text, sni = API, name = API }]) =>
    JSON.stringify({ what, text, sni, name }),
  );
  let told: Readonly<Record<string, string>> = {};
  const seen = await on.requestsDuring(async () => {
    told = await attackWith(lab, "https_requests", `${input.join("\n")}\n`, on.bundle(sidecar));
  });
  expect(Object.keys(told)).toEqual(Object.keys(attempts));
  return { told, seen };
}

/** Those that were answered as if they had passed, and what has. */
async function passedOf(attempts: Readonly<Record<string, Attempt>>): Promise<readonly unknown[]> {
  const { told, seen } = await tryAll(attempts);
  return [...Object.entries(told).filter(([, result]) => /^[123]/.test(result)), ...seen];
}

test("an honest request passes, with the secret", async () => {
  const { told, seen } = await tryAll({ honest: get("/v1/x") });
  expect(told).toEqual({ honest: "200" });
  expect(seen).toMatchObject([{ path: "/v1/x", injected: SECRET }]);
});

describe("row 34", () => {
  test("another host, in one of the places that name it, is refused", async () => {
    const passed = await passedOf({
      "another Host": { text: lines("GET /v1/x HTTP/1.1", `Host: ${OTHER}`) },
      "no Host": { text: lines("GET /v1/x HTTP/1.1") },
      "two Hosts": { text: lines("GET /v1/x HTTP/1.1", HOST, `Host: ${OTHER}`) },
      "two Hosts, the bound one last": { text: lines("GET /v1/x HTTP/1.1", `Host: ${OTHER}`, HOST) },
      "a Host with a user": { text: lines("GET /v1/x HTTP/1.1", `Host: ${OTHER}@${API}`) },
      "a Host with another port": { text: lines("GET /v1/x HTTP/1.1", `${HOST}:8443`) },
      "a Host behind a blank": { text: lines("GET /v1/x HTTP/1.1", `Host : ${OTHER}`, HOST) },
      "absolute form of another host": { text: lines(`GET https://${OTHER}/v1/x HTTP/1.1`, HOST) },
      "absolute form of another scheme": { text: lines(`GET http://${API}/v1/x HTTP/1.1`, HOST) },
      CONNECT: { text: lines(`CONNECT ${OTHER}:443 HTTP/1.1`, HOST) },
      TRACE: { text: lines("TRACE /v1/x HTTP/1.1", HOST) },
    });
    expect(passed).toEqual([]);
  });

  test("another server name at the bound host's address brings no secret, whatever Host says", async () => {
    const { seen } = await tryAll({
      "an allowed name": { sni: OTHER, text: lines("GET /v1/x HTTP/1.1", `Host: ${OTHER}`) },
      "an allowed name, and the bound Host": { sni: OTHER, text: get("/v1/x").text },
      "a denied name": { sni: "denied.example.org", text: get("/v1/x").text },
    });
    expect(seen.map(({ sni, injected }) => [sni, injected])).toEqual([
      [OTHER, undefined],
      [OTHER, undefined],
    ]);
  });

  test("the second of two requests, in one segment, is judged as the first", async () => {
    const { told, seen } = await tryAll({
      "another Host behind it": { text: get("/v1/x").text + lines("GET /v1/y HTTP/1.1", `Host: ${OTHER}`) },
      "another path behind it": { text: get("/v1/x").text + get("/admin/y").text },
    });
    expect(told).toEqual({ "another Host behind it": "200", "another path behind it": "200" });
    expect(seen.map(({ path }) => path)).toEqual(["/v1/x", "/v1/x"]);
  });
});

test("row 35: a message that servers may read in two ways is refused", async () => {
  const passed = await passedOf({
    "CL.TE": post(
      `${lines("POST /v1/x HTTP/1.1", HOST, "Content-Length: 4", "Transfer-Encoding: chunked")}0\r\n\r\n`,
    ),
    "TE.CL": post(
      `${lines("POST /v1/x HTTP/1.1", HOST, "Transfer-Encoding: chunked", "Content-Length: 4")}0\r\n\r\n`,
    ),
    "two lengths": post(`${lines("POST /v1/x HTTP/1.1", HOST, "Content-Length: 1", "Content-Length: 2")}ab`),
    "gzip, chunked": post(lines("POST /v1/x HTTP/1.1", HOST, "Transfer-Encoding: gzip, chunked")),
    "a folded line": post(lines("GET /v1/x HTTP/1.1", HOST, "A: b", " c: d")),
    "a tabulator in a name": post(lines("GET /v1/x HTTP/1.1", HOST, "x-injected\t: mine")),
    "a bare line feed": post(`GET /v1/x HTTP/1.1\n${HOST}\n\n\r\n\r\n`),
    "a NUL": get("/v1/x", "A: b\u0000c"),
    "Connection names the injected header": get("/v1/x", "Connection: x-injected"),
    h2c: get(
      "/v1/x",
      "Connection: Upgrade, HTTP2-Settings",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABkAAQAAP__",
    ),
    "HTTP/2 by prior knowledge": post("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/0.9": post("GET /v1/x\r\n\r\n"),
    "OPTIONS *": post(lines("OPTIONS * HTTP/1.1", HOST)),
  });
  expect(passed).toEqual([]);
});

describe("row 36", () => {
  test("a placeholder in a place that is shown or kept is refused", async () => {
    const passed = await passedOf({
      "User-Agent": get("/v1/x", `User-Agent: ${PLACEHOLDER}`),
      Referer: get("/v1/x", `Referer: https://${API}/?${PLACEHOLDER}`),
      Cookie: get("/v1/x", `Cookie: a=${PLACEHOLDER}`),
      query: get(`/v1/x?${PLACEHOLDER}`),
      path: get(`/v1/${PLACEHOLDER}`),
      "its base64, in the query": get(`/v1/x?${Buffer.from(PLACEHOLDER).toString("base64url")}`),
    });
    expect(passed).toEqual([]);
  });

  test("a placeholder in a header that hosts keep with an object, or show to others, is refused", async () => {
    const passed = await passedOf({
      "an object's metadata": get("/v1/x", `X-Amz-Meta-Note: ${PLACEHOLDER}`),
      "metadata by a credential's name": get("/v1/x", `X-Goog-Meta-Api-Key: ${PLACEHOLDER}`),
      "metadata with an underscore": get("/v1/x", `x_ms_meta_token: ${PLACEHOLDER}`),
      tags: get("/v1/x", `X-Amz-Tagging: a=${PLACEHOLDER}`),
      "a place to go": get("/v1/x", `X-Amz-Website-Redirect-Location: /${PLACEHOLDER}`),
      "a file's name": get("/v1/x", `X-Bz-File-Name: ${PLACEHOLDER}`),
      "a title": get("/v1/x", `Title: ${PLACEHOLDER}`),
      "an address": get("/v1/x", `X-Real-IP: ${PLACEHOLDER}`),
      "a trace": get("/v1/x", `X-Amzn-Trace-Id: Root=${PLACEHOLDER}`),
      "a request's own key": get("/v1/x", `Idempotency-Key: ${PLACEHOLDER}`),
    });
    expect(passed).toEqual([]);
  });

  test("where an answer is cut does not tell how the secret goes on", async () => {
    const told = await attack(lab, "held_back", on.bundle(sidecar), API, SECRET.slice(0, 3), "3");
    expect(told).toEqual({ learned: "" });
  });

  test("a placeholder in a credential's header is filled", async () => {
    const { seen } = await tryAll({ honest: get("/v1/x", `Authorization: Bearer ${PLACEHOLDER}`) });
    expect(seen).toMatchObject([{ authorization: `Bearer ${SECRET}` }]);
  });

  test("every spelling of the injected header is taken out, and the answer has none of the secret", async () => {
    const { seen } = await tryAll({ "its own": get("/v1/x", "x_injected: mine", "X-INJECTED: mine") });
    expect(seen).toMatchObject([{ injected: SECRET }]);
    const { answer } = await on.ask(`https://${API}/v1/x`, "--cacert", on.bundle(sidecar));
    expect(answer).toMatchObject({ path: "/v1/x" });
    expect(JSON.stringify(answer)).not.toContain(SECRET);
  });
});

test("row 37: a request that no rule allows is refused, however it is spelled", async () => {
  const passed = await passedOf({
    "another method": { text: lines("PUT /v1/x HTTP/1.1", HOST) },
    "a denied method": { text: lines("DELETE /v1/x HTTP/1.1", HOST) },
    "in small letters": { text: lines("delete /v1/x HTTP/1.1", HOST) },
    "an allowed one in small letters": { text: lines("get /v1/x HTTP/1.1", HOST) },
    "an override": {
      text: lines("POST /v1/x HTTP/1.1", HOST, "Content-Length: 0", "X-HTTP-Method-Override: DELETE"),
    },
    "an override with another spelling": {
      text: lines("POST /v1/x HTTP/1.1", HOST, "Content-Length: 0", "X_HTTP_METHOD_OVERRIDE: GET, delete"),
    },
    "another URL in a header": get("/v1/x", "X-Original-URL: /admin/x"),
    "another path": get("/admin/x"),
    "a dot segment": get("/v1/../admin/x"),
    "an encoded one": get("/v1/%2e%2E/admin/x"),
    "one with an encoded slash": get("/v1/..%2fadmin/x"),
    "one with a parameter": get("/v1/..;/admin/x"),
    "encoded twice": get("/v1/%252e%252e/admin/x"),
    "in overlong UTF-8": get("/v1/%c0%ae%c0%ae/admin/x"),
    "with a backslash": get("/v1/..\\admin/x"),
    "an empty segment": get("//v1/x"),
    "absolute form": { text: lines(`GET https://${API}/admin/x HTTP/1.1`, HOST) },
    "a fragment": get("/v1/x#/../admin/x"),
    "a NUL in the path": get("/v1/\u0000"),
    "an encoded NUL": get("/v1/x%00"),
    "letters of no ASCII": get("/v1/\u00e9"),
    "a path of 60 KiB": get(`/v2/${"a".repeat(60 << 10)}`),
    "a WebSocket": {
      text: lines(
        "GET /socket HTTP/1.1",
        HOST,
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
      ),
    },
  });
  expect(passed).toEqual([]);
});
