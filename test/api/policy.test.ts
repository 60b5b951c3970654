import { describe, expect, test } from "vitest";
import { PersistError } from "../../src/enforcement/errors.ts";
import { policyOf, targets } from "../support/policy.ts";
import { startApi } from "./api-server.ts";

const BASE = policyOf({
  egress: [
    { action: "allow", target: "example.com" },
    { action: "deny", target: "*.example.com" },
  ],
});

const OK = '{"status":"ok","mode":"enforcing","enforcementMode":"dns+nft"}';
const DENIED_ALL = '{"status":"ok","mode":"deny_all","enforcementMode":"dns+nft"}';
const RESET =
  '{"status":"ok","mode":"deny_all","enforcementMode":"dns+nft","reason":"policy reset to default deny-all"}';

describe("GET /policy", () => {
  test("shows the user's policy in its own order and spelling, keys in the promised order", async () => {
    await using api = await startApi({
      policy: policyOf({ egress: [{ action: " ALLOW", target: " Example.COM." }] }),
    });
    await api.world.changes.setAlwaysRules({
      denyAlways: BASE.egress.flatMap(({ target }) => targets(target.text)),
      allowAlways: [],
    });
    const answer = await api.call("GET", "/policy");
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.text).toBe(
      '{"status":"ok","mode":"enforcing","enforcementMode":"dns+nft","policy":{"egress":[{"action":"allow","target":" Example.COM."}],"defaultAction":"deny"}}',
    );
    expect(answer.headers.etag).toBe(api.world.changes.snapshot().etag);
  });

  test.each([
    ["deny", "deny_all"],
    ["allow", "allow_all"],
  ])("of no rules and %s is %s, with an empty list", async (defaultAction, mode) => {
    await using api = await startApi({ policy: policyOf({ defaultAction }), enforcementMode: "dns" });
    expect((await api.call("GET", "/policy?x=y")).text).toBe(
      `{"status":"ok","mode":"${mode}","enforcementMode":"dns","policy":{"egress":[],"defaultAction":"${defaultAction}"}}`,
    );
  });
});

describe("changes of the policy", () => {
  test.each([
    ["POST", '{"egress":[{"action":"allow","target":"a.example"}]}', OK],
    ["PUT", '{"egress":[{"action":"allow","target":"a.example"}]}', OK],
    ["POST", '{"defaultAction":"allow"}', '{"status":"ok","mode":"allow_all","enforcementMode":"dns+nft"}'],
    ["POST", "", RESET],
    ["PUT", " \n", RESET],
    ["POST", "null", DENIED_ALL],
    ["POST", "{}", DENIED_ALL],
    ["PATCH", '[{"action":"allow","target":"a.example"}]', OK],
    ["DELETE", '["example.com"]', OK],
    ["DELETE", '["example.com","*.example.com","nowhere.example"]', DENIED_ALL],
    [
      "DELETE",
      '["nowhere.example"]',
      '{"status":"ok","mode":"enforcing","enforcementMode":"dns+nft","reason":"no matching targets found"}',
    ],
  ])("%s %j answers %s", async (method, body, text) => {
    await using api = await startApi({ policy: BASE });
    const answer = await api.call(method, "/policy", { body });
    expect(answer).toMatchObject({ status: 200, text });
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.headers.etag).toBe(api.world.changes.snapshot().etag);
  });

  test.each([
    ["POST", "{", 400, /^invalid policy: is not JSON: /],
    ["POST", "[]", 400, /^invalid policy: must be an object$/],
    [
      "POST",
      '{"egress":[{"target":"a.example"},{"target":"*"}]}',
      400,
      /^invalid policy: egress\[1\]\.target: /,
    ],
    ["POST", '{"defaultAction":"maybe"}', 400, /^invalid policy: defaultAction: /],
    ["PATCH", "", 400, /^empty body$/],
    ["PATCH", " ", 400, /^empty body$/],
    ["PATCH", "[]", 400, /^invalid patch rules: empty array$/],
    ["PATCH", "null", 400, /^invalid patch rules: empty array$/],
    ["PATCH", "{}", 400, /^invalid patch rules: must be an array/],
    ["PATCH", '[{"target":"x y"}]', 400, /^invalid patch rules: \[0\]\.target: /],
    ["DELETE", "", 400, /^empty body$/],
    ["DELETE", "[]", 400, /^invalid delete targets: empty array$/],
    ["DELETE", "null", 400, /^invalid delete targets: empty array$/],
    ["DELETE", '[""]', 400, /^invalid delete targets: \[0\]: /],
    ["POST", "\u0000\n\r", 400, /^invalid policy: [^\n\r\0]+$/],
  ])("%s %j is refused with %i and a line", async (method, body, status, text) => {
    await using api = await startApi({ policy: BASE });
    const before = api.world.changes.snapshot();
    const answer = await api.call(method, "/policy", { body });
    expect(answer.status).toBe(status);
    expect(answer.text).toMatch(text);
    expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(answer.headers.etag).toBe(before.etag);
    expect(api.world.changes.snapshot()).toBe(before);
    expect(api.world.steps).toEqual([]);
  });

  test("more rules than the cap is 413 with both numbers", async () => {
    await using api = await startApi({ policy: BASE, maxRules: 2 });
    const answer = await api.call("PATCH", "/policy", { body: '[{"target":"a.example"}]' });
    expect(answer).toMatchObject({ status: 413, text: "egress rule total count 3 exceeds limit 2" });
  });

  test("that can't be stored or applied are 500 and say so, and the old policy holds", async () => {
    await using api = await startApi({ policy: BASE });
    const before = (await api.call("GET", "/policy")).text;
    api.world.faults.stage.push(
      new PersistError("/p.json", Object.assign(new Error("x"), { code: "EROFS" })),
    );
    const stored = await api.call("POST", "/policy", { body: "{}" });
    expect(stored.status).toBe(500);
    expect(stored.text).toMatch(/^failed to persist policy: \/p\.json: .*read-only/);
    api.world.faults.enforce.push(new Error("no\nsuch table"));
    const applied = await api.call("POST", "/policy", { body: "{}" });
    expect(applied.status).toBe(500);
    expect(applied.text).toMatch(/^failed to apply nftables policy: no.+such table$/);
    expect((await api.call("GET", "/policy")).text).toBe(before);
  });

  test("that meet a bug of ours are 500 without its text", async () => {
    await using api = await startApi({ policy: BASE });
    api.world.faults.stage.push(new Error("secret"));
    expect(await api.call("POST", "/policy", { body: "{}" })).toMatchObject({
      status: 500,
      text: "internal error",
    });
    expect(api.errors).toEqual([new Error("secret")]);
  });

  test("under If-Match answer 412 with the tag that holds, and 200 when it holds", async () => {
    await using api = await startApi({ policy: BASE });
    const { etag } = api.world.changes.snapshot();
    const stale = await api.call("PUT", "/policy", { body: "{}", headers: { "If-Match": '"old"' } });
    expect(stale.status).toBe(412);
    expect(stale.headers.etag).toBe(etag);
    expect(stale.text).toContain("If-Match");
    const fresh = await api.call("PUT", "/policy", { body: "{}", headers: { "If-Match": etag } });
    expect(fresh.status).toBe(200);
    expect(fresh.headers.etag).not.toBe(etag);
  });

  test("with dryRun show what would change and change nothing", async () => {
    await using api = await startApi({ policy: BASE });
    const { etag } = api.world.changes.snapshot();
    const body = '[{"action":"deny","target":"EXAMPLE.com"}]';
    const answer = await api.call("PATCH", "/policy?dryRun=true", { body });
    expect(JSON.parse(answer.text)).toEqual({
      status: "ok",
      mode: "enforcing",
      enforcementMode: "dns+nft",
      dryRun: true,
      policy: {
        egress: [
          { action: "deny", target: "EXAMPLE.com" },
          { action: "deny", target: "*.example.com" },
        ],
        defaultAction: "deny",
      },
      added: [{ action: "deny", target: "EXAMPLE.com" }],
      removed: [{ action: "allow", target: "example.com" }],
    });
    expect(answer.headers.etag).toBe(etag);
    expect(api.world.changes.snapshot().etag).toBe(etag);
    expect(api.world.steps).toEqual([]);
    expect(await api.call("PATCH", "/policy?dryRun=maybe", { body })).toMatchObject({ status: 400 });
    expect(await api.call("PATCH", "/policy?dryRun=false", { body })).toMatchObject({
      status: 200,
      text: OK,
    });
  });
});

describe("long bodies", () => {
  const rules = JSON.stringify([{ target: "a.example" }, { target: "b.example" }]);
  test.each([
    ["PUT", "/policy", `{"egress":${rules}}`],
    ["PATCH", "/policy", rules],
    ["DELETE", "/policy", '["a.example","b.example"]'],
    ["PATCH", "/policy?dryRun=true", rules],
  ])("others are answered between two rules of a %s %s", async (method, path, body) => {
    const paused = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    await using api = await startApi({
      async takeSteps(steps) {
        for (let taken = 1; ; taken += 1) {
          const { done, value } = steps.next();
          if (done === true) return value;
          if (taken < 3) continue;
          paused.resolve();
          await goOn.promise;
        }
      },
    });
    const changing = api.call(method, path, { body });
    await paused.promise;
    expect((await api.call("GET", "/policy")).status).toBe(200);
    goOn.resolve();
    expect((await changing).status).toBe(200);
  });
});

describe("methods and paths", () => {
  test.each(["OPTIONS", "TRACE", "PROPFIND", "HEAD"])(
    "%s /policy is 405 with what is allowed",
    async (method) => {
      await using api = await startApi();
      const answer = await api.call(method, "/policy");
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe("GET, POST, PUT, PATCH, DELETE");
      expect(answer.text).toBe(method === "HEAD" ? "" : "method not allowed");
    },
  );

  test.each(["/", "/policy/", "/POLICY", "/nowhere", "/healthz/x", "/credential-vaults"])(
    "%s is 404 with a text",
    async (path) => {
      await using api = await startApi();
      expect(await api.call("POST", path, { body: "{}" })).toMatchObject({
        status: 404,
        text: "no such path",
      });
    },
  );

  test("problem details are for those who ask for them", async () => {
    await using api = await startApi();
    const body = '{"egress":[{"target":"*"},{"target":"x y"}]}';
    const headers = { Accept: "text/html, application/problem+json;q=0.9" };
    const answer = await api.call("POST", "/policy", { body, headers });
    expect(answer.status).toBe(400);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    const details = JSON.parse(answer.text);
    expect(details).toMatchObject({ status: 400, title: "Bad Request", code: "invalid-policy" });
    expect(details.message).toMatch(/^invalid policy: /);
    expect(details.errors.map(({ path }: { path: string }) => path)).toEqual([
      "egress[0].target",
      "egress[1].target",
    ]);
    for (const accept of ["*/*", "application/json", "application/problem+json;q=0"]) {
      const plain = await api.call("POST", "/policy", { body, headers: { Accept: accept } });
      expect(plain.headers["content-type"]).toBe("text/plain; charset=utf-8");
    }
  });
});

describe("/healthz", () => {
  test("is 200 ok for everyone while all is well, else 503 with the reason", async () => {
    await using api = await startApi({ auth: { token: "s3cret", allowLocalWrites: false } });
    expect(await api.call("GET", "/healthz")).toMatchObject({ status: 200, text: "ok" });
    expect(await api.call("HEAD", "/healthz")).toMatchObject({ status: 200, text: "" });
    api.world.health = { ok: false, reason: "the resolver does not answer over TCP" };
    expect(await api.call("GET", "/healthz")).toMatchObject({
      status: 503,
      text: "the resolver does not answer over TCP",
    });
    expect(await api.call("POST", "/healthz")).toMatchObject({ status: 405, text: "method not allowed" });
  });
});
