/** What the document says of the vault's bodies, beside what reads them. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { createDocument } from "../../../src/api/openapi/document.ts";
import { createVaultParser } from "../../../src/vault/request/parse-vault-request.ts";
import { startVaultApi, REQUEST } from "../vault/vault-api.ts";

const ajv = new Ajv2020({ strict: false }).addSchema(createDocument(), "document");
const isRequest = ajv.compile({ $ref: "document#/components/schemas/VaultRequest" });
const isMutation = ajv.compile({ $ref: "document#/components/schemas/VaultMutation" });
const isVault = ajv.compile({ $ref: "document#/components/schemas/Vault" });
const { parseRequest, parseMutation } = createVaultParser({ requireScopedMatch: false });

const credential = (source: object) => ({ credentials: [{ name: "a", source }] });
const binding = (match: object, auth: object = { type: "bearer", credential: "a" }) => ({
  bindings: [{ name: "b", match, auth }],
});

test.each<readonly [object, boolean]>([
  [{}, true],
  [REQUEST, true],
  [credential({ value: "v" }), true],
  [credential({ type: "env", variable: "A" }), true],
  [credential({ type: "file", path: "/x", refreshAfter: 5 }), true],
  [credential({ type: "command", command: ["a", "b"] }), true],
  [binding({ hosts: ["a.example.org"], ports: [443], methods: [], paths: ["/v1/*"] }), true],
  [credential({ value: "" }), false],
  [credential({ type: "http", value: "v" }), false],
  [credential({ type: "env", variable: "A", value: "v" }), false],
  [credential({ type: "file", path: "/x", refreshAfter: 0 }), false],
  [credential({ type: "command", command: [] }), false],
  [binding({ hosts: [] }), false],
  [binding({ hosts: ["a.example.org"], ports: [8443] }), false],
  [binding({ hosts: ["a.example.org"], query: {} }), false],
  [binding({ hosts: ["a.example.org"] }, { type: "digest" }), false],
  [{ policy: {} }, false],
])("the document and the reader say the same of %j: %s", (request, isTaken) => {
  expect([isRequest(request), parseRequest(JSON.stringify(request)).ok]).toEqual([isTaken, isTaken]);
  const { credentials, bindings, ...rest } = { ...request } as Record<string, unknown>;
  const mutation = {
    credentials: credentials && { add: credentials },
    bindings: bindings && { replace: bindings },
    ...rest,
  };
  const text = JSON.stringify(mutation);
  expect([isMutation(JSON.parse(text)), parseMutation(text).ok]).toEqual([isTaken, isTaken]);
});

test("what is answered is as the document says", async () => {
  await using server = await startVaultApi();
  const { text } = await server.call("POST", "", REQUEST);
  expect(isVault(JSON.parse(text))).toBe(true);
});
