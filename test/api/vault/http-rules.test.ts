/** Rules for requests and the vault that they need, each under the other's changes. */
import { describe, expect, test } from "vitest";
import { decideNameFlow } from "../../../src/policy/decide-name.ts";
import { policyOf, qname } from "../../support/policy.ts";
import { startVaultApi, TOKEN, type VaultApi } from "./vault-api.ts";

const HOST = "api.example.org";
const RULE = { action: "allow", target: HOST, http: { methods: ["GET"], paths: ["/repos/*"] } };
const PLAIN = { action: "allow", target: HOST };
const bind = (...hosts: readonly string[]) => ({
  credentials: [{ name: "c", source: { value: "s3cr3t-of-the-test" } }],
  bindings: [{ name: "b", match: { hosts }, auth: { type: "bearer", credential: "c" } }],
});

const change = (on: VaultApi, method: string, body: unknown, query = "") =>
  on.api.call(method, `/policy${query}`, {
    headers: { "OPENSANDBOX-EGRESS-AUTH": TOKEN },
    body: JSON.stringify(body),
  });

/** What the policy in force says of the host at port 443. */
function decided(on: VaultApi, host = HOST): string {
  const { active } = on.api.world.changes.inForce();
  return decideNameFlow(active, qname(host), { protocol: "tcp", port: 443 }).action;
}
const problemOf = (on: VaultApi): string | undefined => on.vault.inForce().bindings[0]?.unavailable;

describe("a rule for requests to a host that is not bound", () => {
  test.each([
    ["POST", { egress: [RULE] }, "invalid policy: egress[0].http"],
    ["PUT", { egress: [PLAIN, RULE] }, "invalid policy: egress[1].http"],
    ["PATCH", [RULE], "invalid patch rules: [0].http"],
  ])("by %s is 400 and names the remedy", async (method, body, place) => {
    await using on = await startVaultApi();
    for (const query of ["?dryRun=true", ""]) {
      const { status, text } = await change(on, method, body, query);
      expect(status).toBe(400);
      expect(text).toBe(
        `${place}: requests to "${HOST}" over https are not read: allow it without http, bind it by POST or PATCH /credential-vault, then send this again`,
      );
    }
    expect(on.api.world.steps).toEqual([]);
  });

  test.each([
    ["another host", bind("other.example.org"), RULE],
    ["a wildcard, with one name below it bound", bind(HOST), { ...RULE, target: "*.example.org" }],
    ["the other scheme", bind(HOST), { ...RULE, ports: [80] }],
  ])("is so for %s, too", async (_what, vault, rule) => {
    await using on = await startVaultApi();
    expect((await on.call("POST", "", vault)).status).toBe(201);
    expect((await change(on, "PATCH", [rule])).status).toBe(400);
  });

  test("by its removal is taken, whatever is bound", async () => {
    await using on = await startVaultApi({ policy: policyOf({ egress: [RULE, PLAIN] }) });
    expect((await change(on, "DELETE", [{ target: HOST, http: RULE.http }])).status).toBe(200);
    expect(decided(on)).toBe("allow");
  });
});

test("of a bound host it is served, shown as it was sent, and persisted; a dry run changes nothing", async () => {
  await using on = await startVaultApi();
  await on.call("POST", "", bind(HOST, "*.example.org"));
  const rest = { ...PLAIN, target: "*.example.org" };
  const body = { egress: [RULE, { ...RULE, target: "*.below.example.org" }, rest], defaultAction: "deny" };
  const dry = await change(on, "POST", body, "?dryRun=true");
  expect(JSON.parse(dry.text)).toMatchObject({ dryRun: true, added: body.egress.slice(0, 2) });
  expect(on.api.world.steps).toEqual([]);
  const answer = await change(on, "POST", body);
  expect(answer.status).toBe(200);
  const shown = await on.api.call("GET", "/policy", { headers: { "OPENSANDBOX-EGRESS-AUTH": TOKEN } });
  expect(JSON.parse(shown.text).policy.egress).toEqual(body.egress);
  expect(shown.headers.etag).toBe(answer.headers.etag);
  expect(JSON.parse(on.api.world.stored() ?? "").egress).toEqual(body.egress);
  expect(decided(on)).toBe("allow");
});

describe("when the binding goes", () => {
  test.each([
    ["with the vault", "DELETE", undefined, 204],
    ["alone", "PATCH", { bindings: { delete: ["b"] } }, 200],
  ])(
    "%s, the host is denied before it does, and served once it is back",
    async (_how, method, body, status) => {
      await using on = await startVaultApi();
      await on.call("POST", "", bind(HOST));
      await change(on, "POST", { egress: [RULE, PLAIN] });
      expect(decided(on)).toBe("allow");
      const order: string[] = [];
      on.vault.subscribe(({ bindings }) => order.push(`${bindings.length} bound, ${decided(on)}`));
      expect((await on.call(method, "", body)).status).toBe(status);
      expect(order[0]).toBe("0 bound, deny");
      expect(decided(on)).toBe("deny");
      const { bindings, credentials } = bind(HOST);
      const again =
        method === "DELETE"
          ? await on.call("POST", "", { bindings, credentials })
          : await on.call("PATCH", "", { bindings: { add: bindings } });
      expect(again.status).toBeLessThan(300);
      expect([decided(on), problemOf(on)]).toEqual(["allow", undefined]);
    },
  );

  test("and the kernel refuses the denial, it stays", async () => {
    await using on = await startVaultApi();
    await on.call("POST", "", bind(HOST));
    await change(on, "POST", { egress: [RULE] });
    on.api.world.faults.enforce.push(new Error("no"));
    const { status, text } = await on.call("DELETE", "");
    expect([status, text]).toEqual([500, "failed to apply nftables policy: no"]);
    expect(on.vault.inForce().bindings).toHaveLength(1);
    expect([decided(on), problemOf(on)]).toEqual(["allow", undefined]);
  });

  test("and comes back while the kernel refuses, it stays denied, and that is told", async () => {
    await using on = await startVaultApi({ policy: policyOf({ egress: [RULE] }) });
    on.api.world.faults.enforce.push(new Error("no"));
    expect((await on.call("POST", "", bind(HOST))).status).toBe(201);
    expect(decided(on)).toBe("deny");
    expect(problemOf(on)).toContain("is not allowed by egress policy");
    expect(on.api.world.events).toEqual(["egress.update_failed no"]);
    expect((await change(on, "PATCH", [RULE])).status).toBe(200);
    expect([decided(on), problemOf(on)]).toEqual(["allow", undefined]);
  });
});

test("a policy of the start has such rules before anything is bound: denied until then", async () => {
  await using on = await startVaultApi({ policy: policyOf({ egress: [RULE] }) });
  expect(decided(on)).toBe("deny");
  expect((await on.call("POST", "", bind(HOST))).status).toBe(201);
  expect([decided(on), problemOf(on)]).toEqual(["allow", undefined]);
});

test("a change of bindings that no such rule speaks of leaves the kernel alone", async () => {
  await using on = await startVaultApi({
    policy: policyOf({ egress: [RULE, { ...PLAIN, target: "*.example.org" }] }),
  });
  await on.call("POST", "", bind("other.example.org"));
  expect(on.api.world.steps).toEqual([]);
});

test("a merge is asked of its own rules alone", async () => {
  await using on = await startVaultApi({ policy: policyOf({ egress: [RULE] }) });
  expect((await change(on, "PATCH", [{ action: "allow", target: "other.example.org" }])).status).toBe(200);
  expect([decided(on), decided(on, "other.example.org")]).toEqual(["deny", "allow"]);
});
