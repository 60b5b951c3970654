import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Validator } from "@seriousme/openapi-schema-validator";
import { build } from "rolldown";
import { describe, expect, test } from "vitest";
import { createDocument } from "../../../src/api/openapi/document.ts";
import { OPERATIONS } from "../../../src/api/openapi/operations.ts";
import { createSchemas } from "../../../src/api/openapi/schemas.ts";
import { createDecisionRing } from "../../../src/decisions/decision-ring.ts";
import { DENY_ALL } from "../../../src/policy/policy.ts";
import { startApi } from "../api-server.ts";
import { statusSources } from "../status-sources.ts";

const ROOT = new URL("../../../", import.meta.url);

async function read(path: string): Promise<string> {
  return readFile(new URL(path, ROOT), "utf8");
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

describe("what is kept beside the code is current (if not: npm run generate)", () => {
  test("docs/openapi.json", async () => {
    const kept: unknown = JSON.parse(await read("docs/openapi.json"));
    expect(JSON.stringify(kept)).toBe(JSON.stringify(createDocument()));
  });

  test("the client's types, made from it and untouched since", async () => {
    const text = await read("src/client/api-types.ts");
    const [, document, types, rest = ""] =
      /\/\/ document: (\w+)\n\/\/ types: (\w+)\n\n([^]*)$/.exec(text) ?? [];
    expect(document).toBe(hash(await read("docs/openapi.json")));
    expect(types).toBe(hash(rest));
  });
});

test("the document is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate({ ...createDocument() });
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  expect(validator.version).toBe("3.1");
});

test("what the validating shapes take is in it, never something written beside them", () => {
  expect(createSchemas()).toMatchObject({
    Rule: {
      type: "object",
      properties: {
        action: { $ref: "#/components/schemas/Action" },
        target: { anyOf: [{ $ref: "#/components/schemas/Target" }, { type: "null" }] },
        ports: { anyOf: [{ type: "array" }, { type: "null" }] },
      },
    },
    RefusalCode: { enum: expect.arrayContaining(["too-many-rules", "persist-failed"]) },
  });
});

const explain = () => Promise.reject(new Error("nothing is asked"));
const suggest = async () => ({ policy: DENY_ALL, leftOut: [], seen: { names: 0, addresses: 0, cut: 0 } });

test.each(OPERATIONS)("$method $path is served", async ({ method, path }) => {
  const decisions = { ring: createDecisionRing(64), run: "run1", upstreams: [] };
  await using api = await startApi({
    renderMetrics: async () => "metrics",
    status: statusSources(),
    decisions,
    suggest,
    explain,
  });
  // A stream has no end: it is refused for its place.
  const headers = { "Last-Event-ID": "no id" };
  const answer = await api.call(method.toUpperCase(), path, { headers });
  // There is no vault, and none can be made.
  const isVault = path.startsWith("/credential-vault");
  expect(isVault ? [404, 412] : [200, 400]).toContain(answer.status);
  expect(answer.text).toMatch(isVault ? /^credential vault / : /./);
});

test("the sidecar serves the document to everyone", async () => {
  await using api = await startApi({ auth: { token: "s3cret", allowLocalWrites: false } });
  const answer = await api.call("GET", "/openapi.json");
  expect(answer).toMatchObject({ status: 200, text: JSON.stringify(createDocument()) });
  expect(answer.headers["content-type"]).toBe("application/json");
  expect(await api.call("POST", "/openapi.json")).toMatchObject({ status: 405, text: "method not allowed" });
});

test("a starting sidecar loads neither the document nor the client, nor the application, nor the page", async () => {
  const { output } = await build({
    cwd: ROOT.pathname,
    input: ["src/cli/serve.ts", "src/sidecar/open-api.ts"],
    external: /^[^./]/,
    platform: "node",
    write: false,
    output: { dir: "unwritten", entryFileNames: "[name].js" },
  });
  const chunks = new Map(output.flatMap((one) => (one.type === "chunk" ? [[one.fileName, one]] : [])));
  const loaded = new Set<string>();
  const load = (name: string): void => {
    const chunk = chunks.get(name);
    chunk?.moduleIds.forEach((id) => loaded.add(id.replace(ROOT.pathname, "")));
    chunk?.imports.forEach(load);
  };
  // The second is loaded at every start too, while the first goes on.
  load("serve.js");
  load("open-api.js");
  expect(loaded).toContain("src/api/http/http-server.ts");
  const unwanted =
    /^src\/(?:client|page|api\/openapi)\/|uplot|openapi-fetch|^src\/cli\/policy|^src\/api\/app.ts/;
  expect([...loaded].filter((path) => unwanted.test(path))).toEqual([]);
});
