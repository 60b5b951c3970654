/** Requests that rules speak of, over both versions: what a client may send to get round one. */
import { createServer } from "node:https";
import { beforeEach, describe, expect, test } from "vitest";
import { createRequestRules } from "../../../src/enforcement/interception/request-rules.ts";
import type { PolicyInForce } from "../../../src/enforcement/change/policy-in-force.ts";
import type { RequestRefused } from "../../../src/enforcement/events.ts";
import { compileSteps, type CompiledPolicy } from "../../../src/policy/compile.ts";
import { auditSteps } from "../../../src/policy/compile-audit.ts";
import { ALL_READ } from "../../../src/policy/http-flows.ts";
import { runToEnd } from "../../../src/policy/steps.ts";
import { policyOf } from "../../support/policy.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import { CERTIFICATE, connectRaw, listen, NAME, type Relay, startRelay } from "./world.ts";

const refused: RequestRefused[] = [];
let inForce: PolicyInForce;
const rules = createRequestRules({ inForce: () => inForce, onRefused: (event) => void refused.push(event) });
/** `METHOD target` of what has come to the origin. */
const seen: string[] = [];
let relay: Relay;

function policy(...egress: readonly object[]): CompiledPolicy {
  return runToEnd(compileSteps(layersOf(egress), ALL_READ));
}
const layersOf = (egress: readonly object[]) => ({
  denyAlways: [],
  allowAlways: [],
  user: policyOf({ egress }),
});
const rule = (action: string, http: object) => ({ action, target: NAME, http });
const REPOS = rule("allow", { methods: ["GET", "HEAD"], paths: ["/repos/*"] });
const DENIES = [
  rule("deny", { methods: ["DELETE"] }),
  rule("deny", { paths: ["/admin/*"] }),
  { action: "allow", target: NAME },
];

beforeEach(async () => {
  const origin = await listen(
    createServer(CERTIFICATE, (request, response) => {
      seen.push(`${request.method} ${request.url}`);
      response.end("passed");
    }),
  );
  relay = await startRelay({ origin, protocols: ["h2", "http/1.1"], rules });
  inForce = { active: policy(REPOS), pending: undefined };
  seen.length = refused.length = 0;
});

/** What is answered to the head of a request, given as its lines. */
async function askH1(lines: readonly string[], end: string | RegExp = "\r\n\r\n"): Promise<string> {
  const client = await connectRaw(relay.port);
  client.socket.write(`${lines.join("\r\n")}\r\nHost: ${NAME}\r\n\r\n`, "latin1");
  return client.has(end);
}
const statusOf = (answer: string): number => Number(answer.split(" ", 2)[1]);

test("a refusal is JSON that names the rule, and is told without the path", async () => {
  inForce = { active: policy(...DENIES), pending: undefined };
  const answer = await askH1(["DELETE /a?b=c HTTP/1.1"], "}\n");
  expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\nContent-Type: application\/json\r\n/);
  expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")))).toEqual({
    code: "request-denied",
    message: `the policy refuses this request: by the rule ${NAME} http DELETE`,
    layer: "user",
    rule: `${NAME} http DELETE`,
  });
  const told = { name: NAME, method: "DELETE", port: 443, layer: "user", isAudited: false };
  expect(refused).toEqual([{ ...told, rule: `${NAME} http DELETE`, address: Uint8Array.of(127, 0, 0, 1) }]);
  expect(relay.told.refused).toEqual([]);
  expect(seen).toEqual([]);
});

test("without a rule it is the default action", async () => {
  expect(await askH1(["POST /repos/a HTTP/1.1"], "}\n")).toContain(
    '{"code":"request-denied","message":"the policy refuses this request: no rule allows it","layer":"default"}',
  );
});

describe.each(["HTTP/1.1", "HTTP/2"])("%s", (version) => {
  async function ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<number> {
    if (version === "HTTP/2") {
      const client = dialH2(relay.port);
      return (await askH2(client, { ":method": method, ":path": path, ...headers })).status;
    }
    const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    return statusOf(await askH1([`${method} ${path} HTTP/1.1`, ...fields]));
  }

  test.each([
    ["GET", "/repos/a"],
    ["HEAD", "/repos/a"],
    ["GET", "/repos/a?x=/../admin"],
    ["GET", "/%72epos/a"],
    ["GET", "/repos/a/b;c"],
    ["GET", "/repos/a%2Fb"],
  ])("%s %s passes as it was sent", async (method, path) => {
    expect(await ask(method, path)).toBe(200);
    expect(seen).toEqual([`${method} ${path}`]);
  });

  test("a long path passes", async () => {
    expect(await ask("GET", `/repos/${"a".repeat(8000)}`)).toBe(200);
  });

  test.each([
    ["get", "/repos/a"],
    ["POST", "/repos/a"],
    ["GET", "/repo"],
    ["GET", "/REPOS/a"],
    ["GET", "/repos"],
    ["GET", "/repos/../admin"],
    ["GET", "/repos/%2e%2e/admin"],
    ["GET", "/repos/.%2E/admin"],
    ["GET", "/repos%2F..%2Fadmin"],
    ["GET", "/repos/..;/admin"],
    ["GET", "/repos/%252e%252e/admin"],
    ["GET", "/repos/..%5cadmin"],
    ["GET", "/repos/a\\..\\..\\admin"],
    ["GET", "/repos/%00"],
    ["GET", "/repos/%c0%ae%c0%ae/admin"],
    ["GET", "//repos/a"],
    ["GET", "/admin"],
    ["GET", "/admin?/repos/a"],
    ["OPTIONS", "*"],
    ["GET", "/%"],
  ])("%s %s is refused under an allow", async (method, path) => {
    expect(await ask(method, path)).toBeGreaterThanOrEqual(400);
    expect(seen).toEqual([]);
  });

  test.each([
    ["DELETE", "/a"],
    ["delete", "/a"],
    ["GET", "/admin/a"],
    ["GET", "/ADMIN/a"],
    ["GET", "/%61dmin/a"],
    ["GET", "/admin"],
    ["GET", "/x;y/../admin/a"],
    ["GET", "/x//../admin/a"],
    ["GET", "/admin;x/a"],
    ["GET", "/admin%3Bx/a"],
    ["GET", "/admin//a"],
    ["GET", "/admin%2Fa"],
    ["GET", "/./admin/a"],
    ["GET", "/%2fadmin/a"],
    ["GET", "//admin/a"],
  ])("%s %s is refused under a deny", async (method, path) => {
    inForce = { active: policy(...DENIES), pending: undefined };
    expect(await ask(method, path)).toBe(403);
    expect(seen).toEqual([]);
  });

  test.each([
    ["X-HTTP-Method-Override", "DELETE", 403],
    ["X-HTTP-Method", "delete", 403],
    ["X_Method_Override", "PUT, DELETE", 403],
    ["X-Original-URL", "/admin/a", 403],
    ["X-Forwarded-Host", "b.example.org", 403],
    ["Forwarded", "host=b.example.org", 403],
    ["X-Rewrite-URL", "/other", 403],
    ["X-HTTP-Method-Override", "PATCH", 200],
  ])("a header that names another request is asked for, too: %s: %s", async (name, value, status) => {
    inForce = { active: policy(...DENIES), pending: undefined };
    expect(await ask("POST", "/a", { [name.toLowerCase()]: value })).toBe(status);
  });

  test("a header with more than seven methods is refused before any rule is asked", async () => {
    inForce = { active: policy(...DENIES), pending: undefined };
    const many = "DELETE, b, c, d, e, f, g, h";
    expect(await ask("POST", "/a", { "x-http-method-override": many })).toBe(403);
    expect(refused).toEqual([]);
    expect(await ask("POST", "/a", { "x-http-method-override": "DELETE, b, c, d, e, f, g" })).toBe(403);
    expect(refused).toHaveLength(1);
  });

  test("while a change is under way both policies must let it pass; audit mode only tells", async () => {
    inForce = { active: policy(REPOS), pending: policy(rule("allow", { methods: ["HEAD"] })) };
    expect(await ask("GET", "/repos/a")).toBe(403);
    const layers = layersOf([REPOS]);
    inForce = { active: runToEnd(auditSteps(layers, policy(REPOS))), pending: undefined };
    expect(await ask("POST", "/elsewhere")).toBe(200);
    expect(refused.map(({ isAudited }) => isAudited)).toEqual([false, true]);
  });

  test("where no rule speaks of requests, all pass", async () => {
    inForce = { active: policy({ action: "allow", target: NAME }), pending: undefined };
    expect(await ask("PUT", "/a//b")).toBe(200);
    expect(refused).toEqual([]);
  });
});

test("a change is in force for the next request of kept connections", async () => {
  const h1 = await connectRaw(relay.port);
  const h2 = dialH2(relay.port);
  const line = `GET /repos/a HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`;
  h1.socket.write(line);
  await h1.has("passed");
  expect((await askH2(h2, { ":path": "/repos/a" })).status).toBe(200);
  inForce = { active: policy(rule("allow", { methods: ["POST"] })), pending: undefined };
  h1.socket.write(line);
  await h1.has("HTTP/1.1 403 ");
  expect((await askH2(h2, { ":path": "/repos/a" })).status).toBe(403);
  inForce = { active: policy(REPOS), pending: undefined };
  expect((await askH2(h2, { ":path": "/repos/a" })).status).toBe(200);
});

test.each([
  [`GET https://${NAME}/repos/a HTTP/1.1`, 200],
  [`GET https://${NAME}/admin HTTP/1.1`, 403],
  [`GET https://${NAME} HTTP/1.1`, 403],
  ["GET https://other.example.org/repos/a HTTP/1.1", 421],
  [`GET http://${NAME}/repos/a HTTP/1.1`, 421],
  [`CONNECT ${NAME}:443 HTTP/1.1`, 405],
  ["GET /repos/a#/admin HTTP/1.1", 400],
  ["GET /repos/\u0000 HTTP/1.1", 400],
  ["GET /repos/\u00e9 HTTP/1.1", 400],
  ["GET  /repos/a HTTP/1.1", 400],
  ["GET repos/a HTTP/1.1", 400],
])("%j is answered %i", async (line, status) => {
  expect(statusOf(await askH1([line]))).toBe(status);
});

test("a WebSocket's handshake is a request like others", async () => {
  const upgrade = [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  ];
  expect(statusOf(await askH1(["GET /socket HTTP/1.1", ...upgrade]))).toBe(403);
  expect(seen).toEqual([]);
});
