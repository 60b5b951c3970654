/**
 * The published OpenSandbox SDKs, JavaScript and Python, against the API's credential vault: the same calls,
 * the same answers.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startVaultApi, TOKEN, VALUE, type VaultApi } from "../api/vault/vault-api.ts";
import { type LocalServer, startLifecycle } from "../support/lifecycle.ts";
import { pythonSdkMissing } from "../support/python-sdk.ts";
import { skipBecause } from "../support/skip.ts";
import { type Language, openJavaScript, openPython, type VaultClient } from "./vault-clients.ts";

const MATCH = { schemes: ["https"], hosts: ["api.example.org"], methods: ["GET"], paths: ["/repos/*"] };
const REQUEST = {
  credentials: [
    { name: "gh", source: { type: "inline", value: VALUE } },
    { name: "a b/c", source: { type: "inline", value: `other-${VALUE}` } },
  ],
  bindings: [
    {
      name: "gh/api",
      match: MATCH,
      auth: {
        type: "apiKey",
        name: "X-Api-Key",
        credential: "gh",
        substitutions: [{ credential: "a b/c", placeholder: "__other__", in: ["header", "path"] }],
      },
    },
  ],
};
const GH = { name: "gh", sourceType: "inline", revision: 1 };
const OTHER = { name: "a b/c", sourceType: "inline", revision: 1 };
const BINDING = { name: "gh/api", revision: 1, match: MATCH, auth: { type: "apiKey", name: "X-Api-Key" } };

describe.each<Language>([
  ["JavaScript", openJavaScript, () => undefined],
  ["Python", openPython, pythonSdkMissing],
])("%s", (_language, open, whatIsMissing) => {
  let server: VaultApi;
  let lifecycle: LocalServer;
  let client: VaultClient | undefined;

  beforeAll(async () => {
    if (whatIsMissing() !== undefined) return;
    lifecycle = await startLifecycle(() => ({
      endpoint: `127.0.0.1:${server.api.port}`,
      headers: { "OPENSANDBOX-EGRESS-AUTH": TOKEN },
    }));
    server = await startVaultApi();
    client = await open(lifecycle.place);
  });
  afterAll(async () => {
    await client?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await lifecycle?.[Symbol.asyncDispose]();
  });
  beforeEach(async (context) => {
    const missing = whatIsMissing();
    if (missing !== undefined) skipBecause(context, missing);
    await server.call("DELETE", "");
  });

  const call: VaultClient["call"] = async (method, argument) => {
    if (client === undefined) throw new Error("no client");
    return client.call(method, argument);
  };

  test("makes a vault, reads it and its parts, and deletes it", async () => {
    const state = { revision: 1, credentials: [OTHER, GH], bindings: [BINDING] };
    expect(await call("create", REQUEST)).toEqual({ value: state });
    expect(server.vault.inForce().secrets.map((secret) => secret.reveal())).toContain(VALUE);
    expect(await call("get")).toEqual({ value: state });
    expect(await call("listCredentials")).toEqual({ value: [OTHER, GH] });
    expect(await call("getCredential", "a b/c")).toEqual({ value: OTHER });
    expect(await call("listBindings")).toEqual({ value: [BINDING] });
    expect(await call("getBinding", "gh/api")).toEqual({ value: BINDING });
    expect(await call("delete")).toEqual({ value: null });
    expect(server.vault.inForce().hasBindings).toBe(false);
  });

  test("changes a vault, with the revision that it expects", async () => {
    await call("create", REQUEST);
    const patched = await call("patch", {
      expectedRevision: 1,
      credentials: {
        replace: [{ name: "gh", source: { type: "inline", value: "new" } }],
        add: [{ name: "third", source: { type: "inline", value: "3" } }],
      },
      bindings: {
        delete: ["gh/api"],
        add: [
          { name: "new", match: { hosts: ["*.example.org"] }, auth: { type: "bearer", credential: "third" } },
        ],
      },
    });
    expect(patched).toMatchObject({
      value: {
        revision: 2,
        credentials: [OTHER, { ...GH, revision: 2 }, { name: "third", revision: 2 }],
        bindings: [{ name: "new", revision: 2, match: { hosts: ["*.example.org"], paths: ["/*"] } }],
      },
    });
    expect(await call("patch", { expectedRevision: 1 })).toEqual({
      status: 409,
      body: "expectedRevision 1 does not match current revision 2",
    });
  });

  test.each([
    ["an empty vault", { credentials: [], bindings: [] }, 1],
    [
      "no substitutions",
      { ...REQUEST, bindings: [{ ...REQUEST.bindings[0], auth: { type: "bearer", credential: "gh" } }] },
      1,
    ],
  ])("%s", async (_what, request, revision) => {
    expect(await call("create", request)).toMatchObject({ value: { revision } });
  });

  test("is told what is wrong, with the status that it documents", async () => {
    const far = { ...REQUEST.bindings[0], match: { hosts: ["far.example.net"] } };
    const refused = [
      [await call("get"), 404, "credential vault not found"],
      [await call("patch", {}), 404, "credential vault not found"],
      [
        await call("create", { ...REQUEST, bindings: [far] }),
        400,
        'binding "gh/api" host "far.example.net" is not allowed by egress policy',
      ],
      [
        await call("create", { ...REQUEST, credentials: [] }),
        400,
        'binding "gh/api" references unknown credential "gh"',
      ],
    ] as const;
    for (const [called, status, body] of refused) expect(called).toEqual({ status, body });
    await call("create", REQUEST);
    expect(await call("create", REQUEST)).toEqual({ status: 409, body: "credential vault already exists" });
    expect(await call("getCredential", "nosuch")).toEqual({ status: 404, body: "credential not found" });
    expect(await call("getBinding", "nosuch")).toEqual({ status: 404, body: "binding not found" });
  });
});

test("the SDK is told that nothing is intercepted", async () => {
  await using off = await startVaultApi({ readiness: { isTransparent: false } });
  await using lifecycle = await startLifecycle(() => ({
    endpoint: `127.0.0.1:${off.api.port}`,
    headers: { "OPENSANDBOX-EGRESS-AUTH": TOKEN },
  }));
  await using client = await openJavaScript(lifecycle.place);
  expect(await client.call("create", REQUEST)).toEqual({
    status: 412,
    body: "credential vault requires transparent mitmproxy",
  });
});
