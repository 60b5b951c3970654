/**
 * A page of another site makes a person's browser send a change, as a form or by fetch without a preflight.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startApi } from "../api-server.ts";

const BODY = '[{"action":"allow","target":"one.example.org"}]';
const FOREIGN = [
  "http://elsewhere.example.org",
  "http://192.0.2.2",
  "null",
  "https://192.0.2.2:18080.example.org",
];
const OWN = ["http://192.0.2.2:18080", "https://192.0.2.2:18080", undefined];

function headersOf(origin: string | undefined): Record<string, string> {
  const type = { "Content-Type": "text/plain", Host: "192.0.2.2:18080" };
  return origin === undefined ? type : { ...type, Origin: origin };
}

test.each(["PATCH", "POST", "PUT", "DELETE"])(
  "where no token is set its %s is refused, and nothing is done",
  async (method) => {
    await using api = await startApi({ door: "outside" });
    for (const origin of FOREIGN) {
      const answer = await api.call(method, "/policy", { headers: headersOf(origin), body: BODY });
      expect(answer).toMatchObject({ status: 401, text: expect.stringContaining("a page of another site") });
    }
    expect(api.world.steps).toEqual([]);
  },
);

test.each(OWN)("a change of our own page, or of no page, is made: %s", async (origin) => {
  await using api = await startApi({ door: "outside" });
  expect(await api.call("PATCH", "/policy", { headers: headersOf(origin), body: BODY })).toMatchObject({
    status: 200,
  });
});

test("over the unix socket, which somebody may have forwarded to a port of his own machine, the same", async () => {
  const folder = await mkdtemp(join(tmpdir(), "egress-api-"));
  try {
    const socketPath = join(folder, "egress.sock");
    await using api = await startApi({ socketPath, auth: { token: "s3cret", allowLocalWrites: false } });
    for (const [origins, status] of [
      [FOREIGN, 401],
      [OWN, 200],
    ] as const) {
      for (const origin of origins) {
        const answer = await api.call("PATCH", "/policy", { headers: headersOf(origin), body: BODY });
        expect(answer.status).toBe(status);
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("who sends the token is heard, whatever page he is", async () => {
  await using api = await startApi({ auth: { token: "s3cret", allowLocalWrites: false } });
  const headers = { ...headersOf("http://elsewhere.example.org"), Authorization: "Bearer s3cret" };
  expect(await api.call("PATCH", "/policy", { headers, body: BODY })).toMatchObject({ status: 200 });
});

const BROWSER = { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)" };
const REBOUND = "evil.example.org:18080";

test.each<[string, Record<string, string>]>([
  ["by what the browser calls itself", BROWSER],
  ["by the language that a page can't hide", { "User-Agent": "a page's own", "Accept-Language": "*" }],
  ["by the origin of a change", { Origin: `http://${REBOUND}` }],
  ["by the site that the browser tells", { "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors" }],
])(
  "a page whose name has come to lead to us reads and changes nothing: it is known %s",
  async (_how, said) => {
    await using api = await startApi({ door: "outside" });
    const headers = { ...said, Host: REBOUND };
    const refused = { status: 401, text: expect.stringContaining("call it by its address") };
    expect(await api.call("GET", "/policy", { headers })).toMatchObject(refused);
    expect(await api.call("PATCH", "/policy", { headers, body: BODY })).toMatchObject(refused);
    expect(await api.call("PUT", "/audit", { headers, body: '{"enabled":true}' })).toMatchObject(refused);
    expect(api.world.steps).toEqual([]);
  },
);

test.each([
  "192.0.2.2:18080",
  "[2001:db8::2]:18080",
  "localhost:18080",
  "LOCALHOST.",
  "egress:18080",
  "egress.sandboxes.svc:18080",
  "egress.sandboxes.svc.cluster.local:18080",
  "host.docker.internal:18080",
])("a browser may call the API by %s", async (host) => {
  await using api = await startApi({ door: "outside" });
  const headers = { ...BROWSER, Host: host, Origin: `http://${host}` };
  expect(await api.call("GET", "/policy", { headers })).toMatchObject({ status: 200 });
  expect(await api.call("PATCH", "/policy", { headers, body: BODY })).toMatchObject({ status: 200 });
});

test.each([
  "svc.example.org",
  "192.0.2.2.example.org",
  "local.example.org:18080",
  "xn--localhost-.example.org",
])("a browser may not call it by %s", async (host) => {
  await using api = await startApi({ door: "outside" });
  const answer = await api.call("GET", "/policy", { headers: { ...BROWSER, Host: host } });
  expect(answer.status).toBe(401);
});

test.each<[string, Record<string, string>]>([
  ["curl", { "User-Agent": "curl/8.14.1", Accept: "*/*" }],
  ["Python's requests", { "User-Agent": "python-requests/2.32", "Accept-Encoding": "gzip, deflate" }],
  ["Node's fetch", { "User-Agent": "node", "Accept-Language": "*", "Sec-Fetch-Mode": "cors" }],
  ["Go", { "User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip" }],
])("a program may call the API by whatever name it knows: %s", async (_program, said) => {
  await using api = await startApi({ door: "outside" });
  const headers = { ...said, Host: "egress.example.org" };
  expect(await api.call("GET", "/policy", { headers })).toMatchObject({ status: 200 });
  expect(await api.call("PATCH", "/policy", { headers, body: BODY })).toMatchObject({ status: 200 });
});

function sentFrom(site: string) {
  return { headers: { Host: "127.0.0.1:18080", "Sec-Fetch-Site": site } };
}

test("another site's page reads nothing where the browser tells of it, and its own page's link is opened", async () => {
  await using api = await startApi({ door: "outside" });
  expect(await api.call("GET", "/policy", sentFrom("cross-site"))).toMatchObject({ status: 401 });
  expect(await api.call("GET", "/policy", sentFrom("same-site"))).toMatchObject({ status: 401 });
  expect(await api.call("GET", "/policy", sentFrom("same-origin"))).toMatchObject({ status: 200 });
  expect(await api.call("GET", "/policy", sentFrom("none"))).toMatchObject({ status: 200 });
});

test("with the token a page may have any name", async () => {
  await using api = await startApi({ auth: { token: "s3cret", allowLocalWrites: false } });
  const headers = { ...BROWSER, Host: "egress.example.org", Authorization: "Bearer s3cret" };
  expect(await api.call("GET", "/policy", { headers })).toMatchObject({ status: 200 });
});
