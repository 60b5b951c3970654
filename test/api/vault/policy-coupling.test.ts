import { describe, expect, test } from "vitest";
import { qname, targets } from "../../support/policy.ts";
import { startVaultApi, TOKEN, type VaultApi } from "./vault-api.ts";

const CREDENTIALS = [{ name: "gh", source: { value: "s3cr3t" } }];
const binding = (name: string, host: string) => ({
  name,
  match: { hosts: [host] },
  auth: { type: "bearer", credential: "gh" },
});
const UNCOVERED =
  'credential vault policy validation: binding "b" host "api.example.org" is not allowed by egress policy';

async function startBound(host = "api.example.org"): Promise<VaultApi> {
  const server = await startVaultApi();
  const created = await server.call("POST", "", { credentials: CREDENTIALS, bindings: [binding("b", host)] });
  expect(created.status).toBe(201);
  return server;
}

function policyCall({ api }: VaultApi, method: string, body: unknown, query = "") {
  const headers = { "OPENSANDBOX-EGRESS-AUTH": TOKEN };
  return api.call(method, `/policy${query}`, {
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const ALLOW = { action: "allow", target: "api.example.org" };
const DENY = { action: "deny", target: "api.example.org" };

describe("a change of the policy that denies a bound host is refused, and nothing is written or applied", () => {
  test.each([
    ["POST", { defaultAction: "deny", egress: [] }],
    ["PUT", { defaultAction: "deny", egress: [{ action: "allow", target: "other.example.org" }] }],
    ["PUT", { defaultAction: "allow", egress: [DENY] }],
    ["PATCH", [DENY]],
    ["DELETE", ["*.example.org"]],
    ["POST", " "],
  ])("%s %j", async (method, body) => {
    await using server = await startBound();
    const { world } = server.api;
    const { etag } = world.changes.snapshot();
    for (const query of ["", "?dryRun=true"]) {
      const refused = await policyCall(server, method, body, query);
      expect(refused).toMatchObject({ status: 400, text: UNCOVERED });
      expect(refused.headers.etag).toBe(etag);
    }
    expect(world.steps).toEqual([]);
    expect(world.changes.snapshot().etag).toBe(etag);
  });

  test.each([
    ["PUT", { defaultAction: "allow", egress: [] }],
    ["PATCH", [ALLOW]],
    ["PATCH", [{ action: "deny", target: "other.example.org" }]],
    ["DELETE", ["nosuch.example.org"]],
  ])("one that leaves it allowed is made: %s %j", async (method, body) => {
    await using server = await startBound();
    expect((await policyCall(server, method, body)).status).toBe(200);
  });

  test("a wildcard is judged by a name below it", async () => {
    await using server = await startBound("*.example.org");
    expect((await policyCall(server, "PATCH", [DENY])).status).toBe(200);
    expect(await policyCall(server, "PATCH", [{ action: "deny", target: "*.example.org" }])).toMatchObject({
      status: 400,
      text: 'credential vault policy validation: binding "b" host "*.example.org" is not allowed by egress policy',
    });
  });

  test("the cap on rules, and a precondition, are told first", async () => {
    await using server = await startVaultApi({ maxRules: 2 });
    await server.call("POST", "", { credentials: CREDENTIALS, bindings: [binding("b", "api.example.org")] });
    const egress = ["a", "b", "c"].map((name) => ({ action: "deny", target: `${name}.example.org` }));
    expect((await policyCall(server, "PUT", { egress })).status).toBe(413);
    const { api } = server;
    const headers = { "OPENSANDBOX-EGRESS-AUTH": TOKEN, "If-Match": '"other"' };
    expect((await api.call("PUT", "/policy", { headers, body: "{}" })).status).toBe(412);
  });

  test("audit mode makes no difference", async () => {
    await using server = await startBound();
    await server.api.world.changes.setAudit(true);
    expect(await policyCall(server, "PATCH", [DENY])).toMatchObject({ status: 400, text: UNCOVERED });
    const far = { bindings: { add: [binding("far", "far.example.net")] } };
    expect(await server.call("PATCH", "", far)).toMatchObject({
      status: 400,
      text: 'binding "far" host "far.example.net" is not allowed by egress policy',
    });
  });

  test("once the binding or the vault has gone the change is made", async () => {
    await using server = await startBound();
    await server.call("DELETE", "");
    expect((await policyCall(server, "PATCH", [DENY])).status).toBe(200);
    const again = { credentials: CREDENTIALS, bindings: [binding("b", "api.example.org")] };
    expect(await server.call("POST", "", again)).toMatchObject({
      status: 400,
      text: 'binding "b" host "api.example.org" is not allowed by egress policy',
    });
  });
});

test("of a policy change and a vault write that exclude each other, made at once, one is refused", async () => {
  for (let round = 0; round < 10; round += 1) {
    await using server = await startVaultApi();
    const request = { credentials: CREDENTIALS, bindings: [binding("b", "api.example.org")] };
    const calls = [() => server.call("POST", "", request), () => policyCall(server, "PATCH", [DENY])];
    const answers = await Promise.all((round % 2 === 0 ? calls : calls.toReversed()).map((call) => call()));
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(1);
  }
});

describe("the operator's files deny a bound host", () => {
  const denied = { denyAlways: targets("*.example.org"), allowAlways: [] };
  const request = { scheme: "https", host: qname("api.example.org"), method: "GET", path: "/" } as const;

  test("the binding goes out of force, stays bound, and is told; and comes back with them", async () => {
    await using server = await startBound();
    const { vault, events, api } = server;
    await api.world.changes.setAlwaysRules(denied);
    const verdict = vault.inForce().findBinding(request);
    const reason = 'binding "b" host "api.example.org" is not allowed by egress policy';
    expect(verdict).toMatchObject({ kind: "bound", binding: { unavailable: reason, headers: [] } });
    expect(events.at(-1)).toEqual({ what: "binding", name: "b", reason });
    expect(JSON.parse((await server.call("GET", "/bindings/b")).text)).toMatchObject({ problem: reason });
    await api.world.changes.setAlwaysRules({ denyAlways: [], allowAlways: [] });
    expect(vault.inForce().findBinding(request)).toMatchObject({
      kind: "bound",
      binding: { unavailable: undefined, headers: [{ name: "Authorization" }] },
    });
    expect(events.at(-1)).toEqual({ what: "binding", name: "b", reason: undefined });
  });

  test("so does one where the kernel's rules were loaded again meanwhile", async () => {
    await using server = await startBound();
    const { changes } = server.api.world;
    await changes.setAlwaysRules(denied);
    await changes.refresh();
    expect(server.vault.inForce().findBinding(request)).toMatchObject({
      binding: { unavailable: expect.stringContaining("not allowed") as unknown },
    });
    expect(server.events.filter((event) => "what" in event)).toHaveLength(1);
  });
});
