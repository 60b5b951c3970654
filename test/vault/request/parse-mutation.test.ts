import { describe, expect, test } from "vitest";
import { renderProblems } from "../../../src/policy/problem.ts";
import { createVaultParser } from "../../../src/vault/request/parse-vault-request.ts";
import { messagesOf, valueOf } from "../../support/policy.ts";

const { parseRequest, parseMutation } = createVaultParser({ requireScopedMatch: false });
const scoped = createVaultParser({ requireScopedMatch: true });

const GH = { name: "gh", source: { type: "inline", value: "s3cr3t" } };
const MATCH = { hosts: ["api.example.org"] };
const BINDING = { name: "b", match: MATCH, auth: { type: "bearer", credential: "gh" } };

function request(match: object): string {
  return JSON.stringify({ bindings: [{ ...BINDING, match: { ...MATCH, ...match } }] });
}

describe("where matches have to be scoped", () => {
  test.each([
    [{}, "must name methods"],
    [{ methods: ["GET", "*"], paths: ["/v1/*"] }, "must name methods"],
    [{ methods: ["GET"] }, "must name paths other than /*"],
    [{ methods: [], paths: ["/v1/*"] }, "must name methods"],
    [{ methods: ["GET"], paths: ["/v1/*", "/*"] }, "must name paths other than /*"],
  ])("%j is refused, in a mutation too", (match, message) => {
    expect(messagesOf(scoped.parseRequest(request(match))).join()).toContain(message);
    const added = JSON.stringify({ bindings: { add: [{ ...BINDING, match: { ...MATCH, ...match } }] } });
    expect(messagesOf(scoped.parseMutation(added)).join()).toContain(message);
    expect(parseRequest(request(match)).ok).toBe(true);
  });

  test("a binding with methods and paths is taken", () => {
    expect(scoped.parseRequest(request({ methods: ["GET"], paths: ["/v1/*"] })).ok).toBe(true);
  });
});

describe("a mutation", () => {
  test("may leave out every part", () => {
    const nothing = { add: [], replace: [], delete: [] };
    expect(valueOf(parseMutation("{}"))).toEqual({
      expectedRevision: undefined,
      credentials: nothing,
      bindings: nothing,
    });
    const given = { expectedRevision: 3, credentials: { add: [GH], delete: [" old "] }, bindings: null };
    expect(valueOf(parseMutation(JSON.stringify(given)))).toMatchObject({
      expectedRevision: 3,
      credentials: { add: [{ name: "gh" }], replace: [], delete: ["old"] },
    });
  });

  test.each([
    ['{"expectedRevision":"3"}', "expectedRevision: must be a whole number"],
    ['{"expectedRevision":1.5}', "expectedRevision: must be a whole number"],
    ['{"credentials":[]}', "credentials: must be an object with add, replace or delete"],
    ['{"credentials":{"remove":["gh"]}}', 'credentials: has the unknown field "remove"'],
    ['{"credentials":{"delete":[{"name":"gh"}]}}', "credentials.delete[0]: must be a string"],
    ['{"bindings":{"add":[{"name":"b"}]}}', "bindings.add[0].match: is missing"],
  ])("%s is refused", (text, message) => {
    const parsed = parseMutation(text);
    expect(parsed.ok ? "accepted" : renderProblems(parsed.problems)).toContain(message);
  });
});
