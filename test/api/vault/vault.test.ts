import { describe, expect, test } from "vitest";
import { qname } from "../../support/policy.ts";
import type { Answer } from "../api-server.ts";
import { REQUEST, startVaultApi, TOKEN, VALUE } from "./vault-api.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const STATE = {
  revision: 1,
  credentials: [
    { name: "a b/c", sourceType: "inline", revision: 1 },
    { name: "gh", sourceType: "inline", revision: 1 },
  ],
  bindings: [
    {
      name: "below",
      revision: 1,
      match: { schemes: ["https"], hosts: ["*.example.org"], methods: METHODS, paths: ["/*"] },
      auth: { type: "apiKey", name: "Private-Token" },
    },
    {
      name: "gh-api",
      revision: 1,
      match: { schemes: ["https"], hosts: ["api.example.org"], methods: ["GET"], paths: ["/repos/*"] },
      auth: { type: "bearer" },
    },
  ],
};

describe("the life of a vault", () => {
  test("it is made, read, changed and deleted, and made again from revision 1", async () => {
    await using server = await startVaultApi();
    const { call, vault } = server;
    expect(await call("GET", "")).toMatchObject({ status: 404, text: "credential vault not found" });
    const created = await call("POST", "", REQUEST);
    expect(created.status).toBe(201);
    expect(JSON.parse(created.text)).toEqual(STATE);
    expect(created.headers["content-type"]).toMatch(/^application\/json/);
    const read = await call("GET", "");
    expect(read).toMatchObject({ status: 200, text: created.text });
    const again = await call("POST", "", {});
    expect(again).toMatchObject({ status: 409, text: "credential vault already exists" });
    const patched = await call("PATCH", "", {
      bindings: { delete: ["below"] },
      credentials: { delete: ["a b/c"] },
    });
    expect(patched.status).toBe(200);
    expect(JSON.parse(patched.text)).toMatchObject({
      revision: 2,
      credentials: [{ name: "gh", revision: 1 }],
      bindings: [{ name: "gh-api", revision: 2 }],
    });
    expect(vault.inForce().isBoundHost(qname("x.example.org"))).toBe(false);
    const deleted = await call("DELETE", "");
    expect(deleted).toMatchObject({ status: 204, text: "" });
    expect(vault.inForce().hasBindings).toBe(false);
    expect(await call("DELETE", "")).toMatchObject({ status: 404, text: "credential vault not found" });
    expect(await call("PATCH", "", {})).toMatchObject({ status: 404, text: "credential vault not found" });
    expect(JSON.parse((await call("POST", "", {})).text)).toEqual({
      revision: 1,
      credentials: [],
      bindings: [],
    });
  });

  test("what is answered is in force, and no answer holds a value or a placeholder", async () => {
    await using server = await startVaultApi();
    const { call, vault } = server;
    await call("POST", "", REQUEST);
    const verdict = vault.inForce().findBinding({
      scheme: "https",
      host: qname("api.example.org"),
      method: "GET",
      path: "/repos/x",
    });
    const headers = verdict.kind === "bound" ? verdict.binding.headers : [];
    expect(headers.map(({ name, value }) => `${name}: ${value.reveal()}`)).toEqual([
      `Authorization: Bearer ${VALUE}`,
    ]);
    for (const below of ["", "/credentials", "/credentials/gh", "/bindings", "/bindings/below"]) {
      const { status, text } = await call("GET", below);
      expect(status).toBe(200);
      expect(text).not.toContain(VALUE);
    }
  });

  test("an entry is found by its name, percent-encoded", async () => {
    await using server = await startVaultApi();
    const { call } = server;
    await call("POST", "", REQUEST);
    const parts = [
      ["/credentials", { revision: 1, credentials: STATE.credentials }],
      ["/bindings", { revision: 1, bindings: STATE.bindings }],
      ["/credentials/a%20b%2Fc", STATE.credentials[0]],
      ["/credentials/%20gh%20", STATE.credentials[1]],
      ["/bindings/gh%2Dapi", STATE.bindings[1]],
    ] as const;
    for (const [below, body] of parts) expect(JSON.parse((await call("GET", below)).text)).toEqual(body);
    expect(await call("GET", "/credentials/nosuch")).toMatchObject({
      status: 404,
      text: "credential not found",
    });
    expect(await call("GET", "/bindings/gh")).toMatchObject({ status: 404, text: "binding not found" });
    expect(await call("GET", "/bindings/%ff")).toMatchObject({ status: 404, text: "binding not found" });
  });

  test("a mutation is whole or nothing", async () => {
    await using server = await startVaultApi();
    const { call, vault } = server;
    await call("POST", "", REQUEST);
    const before = vault.inForce();
    const mutations = [
      [{ credentials: { delete: ["gh"] } }, 'binding "gh-api" references unknown credential "gh"'],
      [
        { credentials: { replace: [{ name: "gh", source: { value: "new" } }], delete: ["nosuch"] } },
        'credential "nosuch" cannot be deleted: there is none',
      ],
      [
        { bindings: { add: [{ ...REQUEST.bindings[0], name: "twin" }] } },
        'bindings "gh-api" and "twin" are ambiguous: both could match a request to "api.example.org"',
      ],
      [
        {
          bindings: { add: [{ ...REQUEST.bindings[0], name: "far", match: { hosts: ["far.example.net"] } }] },
        },
        'binding "far" host "far.example.net" is not allowed by egress policy',
      ],
    ] as const;
    for (const [mutation, text] of mutations) {
      expect(await call("PATCH", "", mutation)).toMatchObject({ status: 400, text });
      expect(vault.inForce()).toBe(before);
    }
    expect(await call("PATCH", "", { expectedRevision: 2 })).toMatchObject({
      status: 409,
      text: "expectedRevision 2 does not match current revision 1",
    });
    expect((await call("PATCH", "", { expectedRevision: 1 })).status).toBe(200);
  });

  test("writes that come at once are made one after the other, and one of each revision wins", async () => {
    await using server = await startVaultApi();
    const { call } = server;
    const creations = await Promise.all(Array.from({ length: 8 }, () => call("POST", "", REQUEST)));
    expect(countOf(creations, 201)).toBe(1);
    expect(countOf(creations, 409)).toBe(7);
    const patches = await Promise.all(
      Array.from({ length: 8 }, () => call("PATCH", "", { expectedRevision: 1 })),
    );
    expect(countOf(patches, 200)).toBe(1);
    expect(countOf(patches, 409)).toBe(7);
  });
});

function countOf(answers: readonly Answer[], wanted: number): number {
  return answers.filter(({ status }) => status === wanted).length;
}

describe("a write that cannot be read", () => {
  test.each([
    ["POST", `{"credentials":[{"name":"gh","source":{"value":"${VALUE}"}}`, "request: the body is not JSON"],
    ["POST", "", "request: the body is empty"],
    ["PATCH", "[]", "mutation request: must be an object with expectedRevision, credentials or bindings"],
    ["POST", { ...REQUEST, policy: {} }, 'request: has the unknown field "policy"'],
    [
      "POST",
      { credentials: [{ name: "gh", source: { value: `${VALUE}\r\nX-Evil: 1` } }] },
      "request: credentials[0].source.value: holds a line break, which no credential may",
    ],
  ])("%s %j", async (method, body, message) => {
    await using server = await startVaultApi();
    const answer = await server.call(method, "", body);
    expect(answer).toMatchObject({ status: 400, text: `invalid credential vault ${message}` });
    expect(server.vault.inForce().hasBindings).toBe(false);
  });

  test("names each problem to those who ask for details, and no value", async () => {
    await using server = await startVaultApi();
    const { text, status } = await server.api.call("POST", "/credential-vault", {
      headers: { "OPENSANDBOX-EGRESS-AUTH": TOKEN, Accept: "application/problem+json" },
      body: JSON.stringify({ credentials: [{ name: "", source: { value: `${VALUE}\0` } }] }),
    });
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({
      code: "invalid-vault",
      errors: [{ path: "credentials[0].name" }, { path: "credentials[0].source.value" }],
    });
    expect(text).not.toContain(VALUE);
  });

  test("of more than a MiB is refused", async () => {
    await using server = await startVaultApi();
    const body = JSON.stringify({ credentials: [], bindings: [], padding: "x".repeat(1 << 20) });
    expect((await server.call("POST", "", body)).status).toBe(413);
  });

  test.each([
    ["/credential-vault?dryRun=true", {}, '"dryRun": this call has no parameters; nothing was changed'],
    [
      "/credential-vault",
      { "If-Match": '"x"' },
      "If-Match: the vault has no entity tag: send expectedRevision; nothing was changed",
    ],
    ["/credential-vault", { "Content-Encoding": "gzip" }, "Content-Encoding: send the body as it is"],
  ])("asks for what is not served: %s %j", async (path, headers, text) => {
    await using server = await startVaultApi();
    const answer = await server.api.call("POST", path, {
      headers: { "OPENSANDBOX-EGRESS-AUTH": TOKEN, ...headers },
      body: JSON.stringify(REQUEST),
    });
    expect(answer).toMatchObject({ status: 400, text });
    expect(server.vault.inForce().hasBindings).toBe(false);
  });
});
