import { describe, expect, test } from "vitest";
import { compileSteps } from "../../src/policy/compile.ts";
import { suggestSteps } from "../../src/policy/suggest.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import { policyOf, qname } from "../support/policy.ts";
import { startApi } from "./api-server.ts";

const AUTH = { token: "secret", allowLocalWrites: false };
const TOKEN = { "OPENSANDBOX-EGRESS-AUTH": "secret" };
const ON = '{"status":"ok","enabled":true}';
const OFF = '{"status":"ok","enabled":false}';
const put = (body: string, headers: Readonly<Record<string, string>> = {}) =>
  ["PUT", "/audit", { body, headers }] as const;

describe("/audit", () => {
  test("says whether audit mode is on, and switches it", async () => {
    await using api = await startApi();
    expect((await api.call("GET", "/audit")).text).toBe(OFF);
    expect((await api.call(...put('{"enabled":true}'))).text).toBe(ON);
    expect((await api.call("GET", "/audit")).text).toBe(ON);
    expect(api.world.enforced.at(-1)?.audits).toBeDefined();
    expect((await api.call(...put('{"enabled":false}'))).text).toBe(OFF);
    expect(api.world.enforced.at(-1)?.audits).toBeUndefined();
    expect(api.world.events).toEqual(["egress.audit_mode true", "egress.audit_mode false"]);
  });

  test("what is so already is no change of the kernel's", async () => {
    await using api = await startApi();
    const before = api.world.enforced.length;
    await api.call(...put('{"enabled":false}'));
    expect([api.world.enforced.length, api.world.events]).toEqual([before, []]);
  });

  test("the policy and its entity tag stay, and so does what a dry run would do", async () => {
    await using api = await startApi({
      policy: policyOf({ egress: [{ action: "allow", target: "a.example" }] }),
    });
    const before = await api.call("GET", "/policy");
    await api.call(...put('{"enabled":true}'));
    const after = await api.call("GET", "/policy");
    expect([after.text, after.headers.etag]).toEqual([before.text, before.headers.etag]);
    const dry = await api.call("PATCH", "/policy?dryRun=true", {
      body: '[{"action":"deny","target":"a.example"}]',
    });
    expect(JSON.parse(dry.text)).toMatchObject({ removed: [{ action: "allow", target: "a.example" }] });
  });

  test.each([
    ["", "the body is not JSON"],
    ["{}", "the body is not what this call takes"],
    ['{"enabled":"yes"}', "the body is not what this call takes"],
    ['{"enabled":true,"for":"1h"}', "the body is not what this call takes"],
    ["null", "the body is not what this call takes"],
  ])("%s is 400 and changes nothing", async (body, message) => {
    await using api = await startApi();
    const answer = await api.call(...put(body));
    expect([answer.status, answer.text.startsWith(message)]).toEqual([400, true]);
    expect((await api.call("GET", "/audit")).text).toBe(OFF);
  });

  test("it takes no parameters", async () => {
    await using api = await startApi();
    const answer = await api.call("PUT", "/audit?dryRun=true", { body: '{"enabled":true}' });
    expect(answer).toMatchObject({ status: 400 });
    expect((await api.call("GET", "/audit")).text).toBe(OFF);
  });

  test.each(["If-Match", "If-None-Match", "X-HTTP-Method"])(
    "%s asks for what is not served",
    async (name) => {
      await using api = await startApi();
      expect((await api.call(...put('{"enabled":true}', { [name]: "*" }))).status).toBe(400);
      expect((await api.call("GET", "/audit")).text).toBe(OFF);
    },
  );

  test("only those who may change the policy switch it", async () => {
    await using guarded = await startApi({ auth: AUTH });
    expect((await guarded.call(...put('{"enabled":true}'))).status).toBe(401);
    expect((await guarded.call("GET", "/audit")).status).toBe(401);
    expect((await guarded.call(...put('{"enabled":true}', TOKEN))).status).toBe(200);
    await using open = await startApi({ auth: { token: undefined, allowLocalWrites: false } });
    expect((await open.call(...put('{"enabled":true}'))).status).toBe(403);
    await using signed = await startApi({ auth: { ...AUTH, signedWrites: true } });
    expect((await signed.call(...put('{"enabled":true}', TOKEN))).status).toBe(401);
  });

  test("other methods are 405", async () => {
    await using api = await startApi();
    const answer = await api.call("POST", "/audit", { body: '{"enabled":true}' });
    expect([answer.status, answer.headers.allow]).toEqual([405, "GET, PUT"]);
  });

  test("a kernel that refuses leaves it as it was", async () => {
    await using api = await startApi();
    api.world.faults.enforce.push(new Error("no"));
    const answer = await api.call(...put('{"enabled":true}'));
    expect(answer).toMatchObject({ status: 500 });
    expect((await api.call("GET", "/audit")).text).toBe(OFF);
  });
});

test("while it is on, every answer says so", async () => {
  await using api = await startApi();
  const paths = ["/healthz", "/healthz?", "/policy", "/nowhere"];
  const said = () =>
    Promise.all(paths.map(async (path) => (await api.call("GET", path)).headers["opensandbox-egress-audit"]));
  expect(await said()).toEqual(paths.map(() => undefined));
  await api.call(...put('{"enabled":true}'));
  expect(await said()).toEqual(paths.map(() => "on"));
});

const flowsOf = () => [{ protocol: "tcp", port: 443 } as const];
const suggest = (cut: number) => async (asked: { wildcards: boolean; ports: boolean }) => {
  const user = policyOf({ egress: [{ action: "deny", target: "ads.example.org" }] });
  const compiled = runToEnd(compileSteps({ denyAlways: [], allowAlways: [], user }));
  const names = ["a.cdn.example.org", "b.cdn.example.org", "ads.example.org"].map(qname);
  const seen = { names, addresses: [], flowsOf, isPartly: () => false };
  const suggestion = runToEnd(suggestSteps(seen, { policy: user, compiled, ...asked }));
  return { ...suggestion, seen: { names: 3, addresses: 0, cut } };
};

describe("/policy/suggest", () => {
  test("is a policy and nothing else, and with details what it leaves out", async () => {
    await using api = await startApi({ suggest: suggest(0) });
    const plain = await api.call("GET", "/policy/suggest");
    expect(plain.headers).not.toHaveProperty("opensandbox-egress-cut");
    expect(JSON.parse(plain.text)).toEqual({
      egress: ["a.cdn.example.org", "b.cdn.example.org"].map((target) => ({ action: "allow", target })),
      defaultAction: "deny",
    });
    const detailed = await api.call("GET", "/policy/suggest?wildcards=true&details=true");
    expect(JSON.parse(detailed.text)).toEqual({
      status: "ok",
      policy: { egress: [{ action: "allow", target: "*.cdn.example.org" }], defaultAction: "deny" },
      leftOut: [{ target: "ads.example.org", layer: "user", rule: "ads.example.org" }],
      seen: { names: 3, addresses: 0, cut: 0 },
    });
  });

  test("says if something seen is forgotten", async () => {
    await using api = await startApi({ suggest: suggest(7) });
    expect((await api.call("GET", "/policy/suggest")).headers["opensandbox-egress-cut"]).toBe("7");
  });

  test.each(["?wildcard=true", "?wildcards=1", "?wildcards=true&wildcards=true"])(
    "%s is 400",
    async (query) => {
      await using api = await startApi({ suggest: suggest(0) });
      expect((await api.call("GET", `/policy/suggest${query}`)).status).toBe(400);
    },
  );

  test("asks for the token, and only reads", async () => {
    await using api = await startApi({ suggest: suggest(0), auth: AUTH });
    expect((await api.call("GET", "/policy/suggest")).status).toBe(401);
    expect((await api.call("PUT", "/policy/suggest", { headers: TOKEN })).status).toBe(405);
  });
});
