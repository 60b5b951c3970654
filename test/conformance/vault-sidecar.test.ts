/**
 * The published OpenSandbox SDKs against the running sidecar's credential vault, straight from a host
 * outside, while it intercepts.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { SANDBOX_V4 } from "../support/lab.ts";
import { type LocalServer, startLifecycle } from "../support/lifecycle.ts";
import { pythonSdkMissing } from "../support/python-sdk.ts";
import { startRelay } from "../support/relay.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { skipBecause } from "../support/skip.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { type Language, openJavaScript, openPython } from "./vault-clients.ts";

const undo = new AsyncDisposableStack();
const lab = useLab({ ipv6: false });
let sidecar: Sidecar;
let lifecycle: LocalServer;
let rules: string;
beforeAll(async () => {
  rules = await mkdtemp(join(tmpdir(), "egress-rules-"));
  undo.defer(() => rm(rules, { recursive: true }));
  sidecar = await lab.startSidecar({
    env: { OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT: "true", OPENSANDBOX_EGRESS_RULES_DIR: rules },
    policy: { egress: [{ action: "allow", target: "*.example.org" }] },
  });
  const outside = undo.use(await startRelay(lab, { from: "outside", to: SANDBOX_V4 }));
  const endpoint = `127.0.0.1:${await outside.openPort()}`;
  const headers = { "OPENSANDBOX-EGRESS-AUTH": sidecar.token };
  lifecycle = undo.use(await startLifecycle(() => ({ endpoint, headers })));
});
afterAll(() => undo.disposeAsync());

const REQUEST = {
  credentials: [{ name: "gh", source: { type: "inline", value: "s3cr3t-of-the-test" } }],
  bindings: [
    { name: "gh", match: { hosts: ["one.example.org"] }, auth: { type: "bearer", credential: "gh" } },
  ],
};

describe.each<Language>([
  ["JavaScript", openJavaScript, () => undefined],
  ["Python", openPython, pythonSdkMissing],
])("%s", (_language, open, whatIsMissing) => {
  test("makes a vault, to which the policy is held, changes it, and deletes it", async (context) => {
    const missing = whatIsMissing();
    if (missing !== undefined) skipBecause(context, missing);
    await using client = await open(lifecycle.place);
    expect(await client.call("create", REQUEST)).toMatchObject({
      value: { revision: 1, credentials: [{ name: "gh", sourceType: "inline" }], bindings: [{ name: "gh" }] },
    });
    const denied = [{ action: "deny", target: "one.example.org" }];
    expect(await sidecar.api("PATCH", "/policy", { body: denied })).toMatchObject({
      status: 400,
      text: 'credential vault policy validation: binding "gh" host "one.example.org" is not allowed by egress policy',
    });
    expect(await client.call("patch", { expectedRevision: 1, bindings: { delete: ["gh"] } })).toMatchObject({
      value: { revision: 2, bindings: [] },
    });
    expect((await sidecar.api("PATCH", "/policy", { body: denied })).status).toBe(200);
    expect(await client.call("create", REQUEST)).toMatchObject({ status: 409 });
    expect(await client.call("delete")).toEqual({ value: null });
    expect(await client.call("get")).toMatchObject({ status: 404 });
    await sidecar.api("DELETE", "/policy", { body: ["one.example.org"] });
  });
});

async function problemNow(): Promise<unknown> {
  const { json } = await sidecar.api("GET", "/credential-vault/bindings/gh");
  return z.object({ problem: z.string().optional() }).parse(json()).problem;
}

test("the operator's deny.always takes a binding out of force, is told, and gives it back", async () => {
  await using client = await openJavaScript(lifecycle.place);
  expect(await client.call("create", REQUEST)).toMatchObject({ value: { revision: 1 } });
  const problem = 'binding "gh" host "one.example.org" is not allowed by egress policy';
  await writeFile(join(rules, "deny.always"), "one.example.org\n");
  await until("the binding is out of force", async () => (await problemNow()) === problem);
  await writeFile(join(rules, "deny.always"), "\n");
  await until("the binding is in force again", async () => (await problemNow()) === undefined);
  const faults = await until("both are logged", () => {
    const lines = sidecar.logs().filter((line) => line["opensandbox.event"] === "egress.vault_fault");
    return lines.length > 1 && lines;
  });
  expect(faults.map(({ binding, reason }) => [binding, reason])).toEqual([
    ["gh", problem],
    ["gh", undefined],
  ]);
});
