/** HTTP: every call's answers, to the octet, from a host outside, as the server and the SDKs make them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Answer, callApi } from "../api/api-server.ts";
import { readAddresses } from "../support/kernel-sets.ts";
import { SANDBOX_V4 } from "../support/lab.ts";
import { type Relay, startRelay } from "../support/relay.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";
import { findDeviation } from "./documented.ts";

const BASE =
  '{"egress":[{"action":"allow","target":"example.com"},{"action":"deny","target":"*.example.com"}]}';
const OK = '{"status":"ok","mode":"enforcing","enforcementMode":"dns+nft"}';
const DENIED_ALL = '{"status":"ok","mode":"deny_all","enforcementMode":"dns+nft"}';
const RESET =
  '{"status":"ok","mode":"deny_all","enforcementMode":"dns+nft","reason":"policy reset to default deny-all"}';
const NOTHING_FOUND =
  '{"status":"ok","mode":"enforcing","enforcementMode":"dns+nft","reason":"no matching targets found"}';

const lab = useLab();
let sidecar: Sidecar;
let outside: Relay;
beforeAll(async () => {
  sidecar = await lab.startSidecar();
  outside = await startRelay(lab, { from: "outside", to: SANDBOX_V4 });
});
afterAll(async () => {
  await outside[Symbol.asyncDispose]();
});

async function call(
  method: string,
  body?: string,
  { path = "/policy", headers = {} }: { path?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const answer = await callApi({
    socketPath: outside.socketPath,
    method,
    path,
    headers: { "OPENSANDBOX-EGRESS-AUTH": sidecar.token, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const deviation = findDeviation(method, path.split("?", 1).join(), answer);
  if (deviation !== undefined) throw new Error(deviation);
  return answer;
}

async function readPolicy(): Promise<string> {
  const { text } = await call("GET");
  return text;
}

function shown(egress: string, mode = "enforcing", defaultAction = "deny"): string {
  return `{"status":"ok","mode":"${mode}","enforcementMode":"dns+nft","policy":{"egress":[${egress}],"defaultAction":"${defaultAction}"}}`;
}

describe("/policy", () => {
  beforeEach(async () => {
    await call("PUT", BASE);
  });

  test("GET: order, spelling, and duplicates are the user's, keys stand in their order", async () => {
    const rules =
      ' {"action":"Allow","target":" Example.COM."} , {"target":"b.example","x":1},{"target":"b.example"}';
    await call("POST", `{"egress":[${rules}],"defaultAction":"deny","__proto__":{"egress":[]}}`);
    expect(await readPolicy()).toBe(
      shown(
        '{"action":"allow","target":" Example.COM."},{"action":"deny","target":"b.example"},{"action":"deny","target":"b.example"}',
      ),
    );
  });

  test.each([
    ["nothing", "POST", undefined, RESET],
    ["nothing", "PUT", undefined, RESET],
    ["an empty body", "POST", "", RESET],
    ["blanks", "PUT", " \r\n\t", RESET],
    ["null", "POST", "null", DENIED_ALL],
    ["{}", "POST", "{}", DENIED_ALL],
    ["null rules", "PUT", '{"egress":null}', DENIED_ALL],
    ["no rules", "PUT", '{"egress":[],"defaultAction":null}', DENIED_ALL],
  ])("a replacement by %s (%s) denies everything", async (_what, method, body, text) => {
    const answer = await call(method, body);
    expect(answer).toMatchObject({ status: 200, text });
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(await readPolicy()).toBe(shown("", "deny_all"));
  });

  test.each([
    ["PUT", '{"defaultAction":"allow"}', '{"status":"ok","mode":"allow_all","enforcementMode":"dns+nft"}'],
    ["PATCH", '[{"action":"allow","target":"a.example"}]', OK],
    ["DELETE", '["EXAMPLE.com."]', OK],
    ["DELETE", '["example.com","*.example.com","nowhere.example"]', DENIED_ALL],
    ["DELETE", '["nowhere.example"]', NOTHING_FOUND],
  ])("%s %j answers %s", async (method, body, text) => {
    expect(await call(method, body)).toMatchObject({ status: 200, text });
  });

  test("PATCH merges by target: the example", async () => {
    await call(
      "PATCH",
      '[{"action":"deny","target":"blocked.com"},{"action":"allow","target":"example.com"}]',
    );
    expect(await readPolicy()).toBe(
      shown(
        '{"action":"deny","target":"blocked.com"},{"action":"allow","target":"example.com"},{"action":"deny","target":"*.example.com"}',
      ),
    );
  });

  test("PATCH: one target in many spellings is one, and its first rule holds", async () => {
    await call("PUT", '{"egress":[{"action":"deny","target":"192.0.2.0/24"}]}');
    await call(
      "PATCH",
      '[{"action":"allow","target":"::ffff:192.0.2.77/120"},{"action":"deny","target":" 192.0.2.1/24 "}]',
    );
    expect(await readPolicy()).toBe(shown('{"action":"allow","target":"::ffff:192.0.2.77/120"}'));
  });

  test.each([
    ["PATCH", undefined, "empty body"],
    ["PATCH", "", "empty body"],
    ["DELETE", undefined, "empty body"],
    ["DELETE", " ", "empty body"],
    ["PATCH", "[]", "invalid patch rules: empty array"],
    ["PATCH", "null", "invalid patch rules: empty array"],
    ["DELETE", "[]", "invalid delete targets: empty array"],
    ["DELETE", "null", "invalid delete targets: empty array"],
  ])("%s %j is 400 %s", async (method, body, text) => {
    expect(await call(method, body)).toMatchObject({ status: 400, text });
  });

  test.each([
    ["POST", "{", /^invalid policy: /],
    ["POST", "[]", /^invalid policy: must be an object$/],
    ["POST", '{"defaultAction":"block"}', /^invalid policy: defaultAction: "block" /],
    ["PUT", '{"egress":{}}', /^invalid policy: egress: /],
    ["PUT", '{"egress":[{"target":"a.example"},{"target":"*"}]}', /^invalid policy: egress\[1\]\.target: /],
    ["PUT", '{"egress":[{"action":"drop","target":"a.example"}]}', /^invalid policy: egress\[0\]\.action: /],
    ["PATCH", "{}", /^invalid patch rules: /],
    ["PATCH", '[{"action":"allow"}]', /^invalid patch rules: \[0\]\.target: /],
    ["DELETE", '["https://example.com"]', /^invalid delete targets: \[0\]: /],
    ["DELETE", "[1]", /^invalid delete targets: \[0\]: /],
  ])("%s %j is 400 with one line that says where, and changes nothing", async (method, body, line) => {
    const before = await readPolicy();
    const answer = await call(method, body);
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(line);
    expect(answer.text).not.toContain("\n");
    expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(await readPolicy()).toBe(before);
  });

  test("problem details are for those who ask", async () => {
    const headers = { Accept: "application/problem+json" };
    const answer = await call("PATCH", '[{"target":"a.*.com"},{"action":"x","target":"y"}]', { headers });
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(JSON.parse(answer.text)).toMatchObject({
      status: 400,
      code: "invalid-rules",
      message: expect.stringMatching(/^invalid patch rules: /),
      errors: [{ path: "[0].target" }, { path: "[1].action" }],
    });
  });

  test("each answer carries the tag of what holds; If-Match with another is 412", async () => {
    const first = (await call("GET")).headers.etag;
    expect(first).toMatch(/^"[^"]+"$/);
    const refused = await call("PATCH", "[]");
    expect(refused.headers.etag).toBe(first);
    const second = (await call("PATCH", '[{"target":"a.example"}]')).headers.etag;
    expect(second).not.toBe(first);
    const stale = await call("DELETE", '["a.example"]', { headers: { "If-Match": first ?? "" } });
    expect(stale).toMatchObject({ status: 412, text: expect.stringContaining("If-Match") });
    expect(stale.headers.etag).toBe(second);
    const fresh = await call("DELETE", '["a.example"]', { headers: { "If-Match": `"x", ${second ?? ""}` } });
    expect(fresh.status).toBe(200);
    expect(fresh.headers.etag).toBe(first);
  });

  test("a dry run tells what would come and go, and neither memory, kernel nor disk change", async () => {
    await call("PUT", '{"egress":[{"action":"allow","target":"198.51.100.7"}]}');
    const before = await readPolicy();
    const file = join(lab.stateFolder, "policy.json");
    const stored = await readFile(file, "utf8");
    const answer = await call("PATCH", '[{"action":"deny","target":"198.51.100.7"}]', {
      path: "/policy?dryRun=true",
    });
    expect(answer.text).toBe(
      '{"status":"ok","mode":"enforcing","enforcementMode":"dns+nft","dryRun":true,' +
        '"policy":{"egress":[{"action":"deny","target":"198.51.100.7"}],"defaultAction":"deny"},' +
        '"added":[{"action":"deny","target":"198.51.100.7"}],"removed":[{"action":"allow","target":"198.51.100.7"}]}',
    );
    expect(await readPolicy()).toBe(before);
    expect(await readAddresses(lab.sandbox, "allow_host_v4")).toEqual(["198.51.100.7"]);
    expect(await readFile(file, "utf8")).toBe(stored);
  });

  test.each(["HEAD", "OPTIONS", "PROPFIND"])("%s is 405 with what is allowed", async (method) => {
    const answer = await call(method);
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe("GET, POST, PUT, PATCH, DELETE");
    expect(answer.text).toBe(method === "HEAD" ? "" : "method not allowed");
  });
});

describe("the other paths", () => {
  test("/healthz needs no token", async () => {
    const answer = await callApi({ socketPath: outside.socketPath, method: "GET", path: "/healthz" });
    expect(answer).toMatchObject({ status: 200, text: "ok" });
    expect(findDeviation("GET", "/healthz", answer)).toBeUndefined();
  });

  test("/metrics is Prometheus text for those who have the token", async () => {
    const answer = await call("GET", undefined, { path: "/metrics" });
    expect(answer.text).toMatch(/^# TYPE egress_policy_denied_total counter$/m);
    const stranger = await callApi({ socketPath: outside.socketPath, method: "GET", path: "/metrics" });
    expect(stranger).toMatchObject({ status: 401, text: expect.stringMatching(/^unauthorized/) });
    expect(findDeviation("GET", "/metrics", stranger)).toBeUndefined();
  });

  test("/status is as documented, for those who have the token", async () => {
    const answer = await call("GET", undefined, { path: "/status?limit=10" });
    expect(answer.status).toBe(200);
    expect(Object.keys(JSON.parse(answer.text))).toEqual([
      "status",
      "mode",
      "enforcementMode",
      "version",
      "uptimeSeconds",
      "health",
      "audit",
      "generation",
      "layers",
      "ruleFiles",
      "ruleFileProblems",
      "protections",
      "api",
      "interfaces",
      "upstreams",
      "resolver",
      "learned",
      "counters",
    ]);
    expect(await call("GET", undefined, { path: "/status?limit=x" })).toMatchObject({ status: 400 });
    const stranger = await callApi({ socketPath: outside.socketPath, method: "GET", path: "/status" });
    expect(stranger).toMatchObject({ status: 401, text: expect.stringMatching(/^unauthorized/) });
    expect(findDeviation("GET", "/status", stranger)).toBeUndefined();
    expect(await call("OPTIONS", undefined, { path: "/status" })).toMatchObject({ status: 405 });
  });

  test("/openapi.json is the document that is kept", async () => {
    const kept: unknown = JSON.parse(
      await readFile(new URL("../../docs/openapi.json", import.meta.url), "utf8"),
    );
    expect(JSON.parse((await call("GET", undefined, { path: "/openapi.json" })).text)).toEqual(kept);
  });

  test.each([
    ["GET", "/credential-vault", 404, "credential vault not found"],
    ["POST", "/credential-vault", 412, "credential vault requires transparent mitmproxy"],
    ["PUT", "/credential-vault", 405, "method not allowed"],
    ["PATCH", "/credential-vault/bindings", 405, "method not allowed"],
    ["GET", "/credential-vault/nosuch", 404, "not found"],
    ["GET", "/nowhere", 404, "no such path"],
  ])("%s %s is %i %s", async (method, path, status, text) => {
    const headers = { "OPENSANDBOX-EGRESS-AUTH": sidecar.token };
    const answer = await callApi({ socketPath: outside.socketPath, method, path, headers });
    expect(answer).toMatchObject({ status, text });
  });
});
