import { describe, expect, test } from "vitest";
import type { PageRequest } from "../../src/enforcement/sandbox-report.ts";
import { policyOf, targets } from "../support/policy.ts";
import { type ApiServer, startApi } from "./api-server.ts";
import { REPORT, statusSources } from "./status-sources.ts";

const POLICY = policyOf({ egress: [{ action: "allow", target: "Example.ORG" }] });

async function get(api: ApiServer, path = "/status"): Promise<unknown> {
  const answer = await api.call("GET", path);
  expect(answer).toMatchObject({ status: 200, headers: { "content-type": "application/json" } });
  return JSON.parse(answer.text);
}

describe("GET /status", () => {
  test("tells what is in force", async () => {
    const layers = { ...REPORT.layers, denyAlways: targets("169.254.169.254"), user: POLICY };
    const status = statusSources({ sandboxId: "sbx-1", report: () => ({ ...REPORT, layers }) });
    await using api = await startApi({ policy: POLICY, status });
    expect(await get(api)).toEqual({
      status: "ok",
      mode: "enforcing",
      enforcementMode: "dns+nft",
      version: "1.2.3",
      sandboxId: "sbx-1",
      uptimeSeconds: 90,
      health: { ok: true },
      audit: { enabled: false },
      generation: 7,
      layers: {
        denyAlways: { total: 1, shown: ["169.254.169.254"] },
        allowAlways: { total: 0, shown: [] },
        user: {
          total: 1,
          shown: [{ action: "allow", target: "Example.ORG" }],
          defaultAction: "deny",
          etag: api.world.changes.snapshot().etag,
        },
        logSkip: { total: 0, shown: [] },
      },
      ruleFiles: { denyAlways: "/rules/deny.always" },
      ruleFileProblems: [],
      api: { tcp: true },
      protections: [{ name: "connections", state: "on", required: false }],
      interfaces: { guarded: ["eth0"], unguarded: [] },
      upstreams: [{ address: "192.0.2.1", port: 53, alive: true }],
      resolver: [
        { address: "127.0.0.1", port: 15_353 },
        { address: "::1", port: 15_353 },
      ],
      learned: {
        total: 2,
        bound: 65_536,
        addresses: [
          { address: "198.51.100.1", owners: ["one.example.org"], secondsLeft: 59, secondsUnused: 1 },
          { address: "2001:db8:100::1", owners: ["two.example.org", "one.example.org"], secondsUnused: 0 },
        ],
      },
      counters: { "egress.policy.denied_total": 3 },
    });
  });

  test("says what GET /healthz says", async () => {
    await using api = await startApi({ status: statusSources() });
    api.world.health = { ok: false, reason: "two\nlines" };
    expect(await get(api)).toMatchObject({ health: { ok: false, reason: String.raw`two\u{a}lines` } });
    expect((await api.call("GET", "/healthz")).text).toBe(String.raw`two\u{a}lines`);
  });

  test("shows the first thousand of a long list, and how long it is", async () => {
    const denyAlways = targets(...Array.from({ length: 3000 }, (_, index) => `n${index}.example`));
    const layers = { ...REPORT.layers, denyAlways };
    await using api = await startApi({ status: statusSources({ report: () => ({ ...REPORT, layers }) }) });
    const shown: unknown = expect.toSatisfy((texts: readonly string[]) => texts.length === 1000);
    expect(await get(api)).toMatchObject({ layers: { denyAlways: { total: 3000, shown } } });
  });

  test("tells of rule files that can't be read", async () => {
    const problems = [{ path: "/rules/deny.always:3", message: "bad\nline" }];
    const rules = { denyAlways: [], allowAlways: [], logSkip: targets("quiet.example") };
    const files = { denyAlways: "/rules/deny.always", allowAlways: undefined, logSkip: undefined };
    await using api = await startApi({
      status: statusSources({ ruleFiles: () => ({ rules, files, problems }) }),
    });
    expect(await get(api)).toMatchObject({
      ruleFiles: { denyAlways: "/rules/deny.always" },
      layers: { logSkip: { total: 1, shown: ["quiet.example"] } },
      ruleFileProblems: [{ path: "/rules/deny.always:3", message: String.raw`bad\u{a}line` }],
    });
  });

  test.each([
    ["", { after: 0, limit: 100 }],
    ["?limit=0", { after: 0, limit: 0 }],
    ["?limit=1000&after=65536", { after: 65_536, limit: 1000 }],
  ])("asks for the page %j", async (query, page) => {
    const asked: PageRequest[] = [];
    const report = (one: PageRequest) => (
      asked.push(one),
      { ...REPORT, learned: { ...REPORT.learned, next: 41 } }
    );
    await using api = await startApi({ status: statusSources({ report }) });
    expect(await get(api, `/status${query}`)).toMatchObject({ learned: { next: "41" } });
    expect(asked).toEqual([page]);
  });

  test.each([
    "limit=",
    "limit=1001",
    "limit=-1",
    "limit=1e2",
    "limit=1.5",
    "limit=%31%200",
    "limit=1&limit=2",
    "after=x",
    "after=9999999999999999",
    "after=1&after=1",
  ])("refuses the query %s", async (query) => {
    await using api = await startApi({ status: statusSources() });
    const [name = ""] = query.split("=");
    expect(await api.call("GET", `/status?${query}`)).toMatchObject({
      status: 400,
      text: expect.stringMatching(new RegExp(`^${name}: must be .*given once$`)),
    });
  });

  test("is for those who may read the policy", async () => {
    const auth = { token: "s3cret", allowLocalWrites: false };
    await using api = await startApi({ auth, status: statusSources() });
    expect(await api.call("GET", "/status")).toMatchObject({
      status: 401,
      text: expect.stringMatching(/^unauthorized/),
    });
    expect(await api.call("POST", "/status")).toMatchObject({ status: 401 });
    const headers = { "OPENSANDBOX-EGRESS-AUTH": "s3cret" };
    expect((await api.call("GET", "/status", { headers })).status).toBe(200);
  });

  test.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])(
    "%s is 405 with what is allowed",
    async (method) => {
      await using api = await startApi({ status: statusSources() });
      const answer = await api.call(method, "/status");
      expect(answer).toMatchObject({
        status: 405,
        text: "method not allowed",
        headers: { allow: "GET, HEAD" },
      });
    },
  );

  test("HEAD is GET without the body", async () => {
    await using api = await startApi({ status: statusSources() });
    expect(await api.call("HEAD", "/status")).toMatchObject({ status: 200, text: "" });
  });
});
