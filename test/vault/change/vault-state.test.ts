import { describe, expect, test } from "vitest";
import {
  type Changed,
  createState,
  mutateState,
  type VaultState,
} from "../../../src/vault/change/vault-state.ts";
import { createVaultParser } from "../../../src/vault/request/parse-vault-request.ts";
import { Secret } from "../../../src/vault/secret.ts";
import { valueOf } from "../../support/policy.ts";

const { parseRequest, parseMutation } = createVaultParser({ requireScopedMatch: false });

let lastId = 0;
const sources = { valueOf: () => new Secret("v"), nextId: () => (lastId += 1) };

const credential = (name: string) => ({ name, source: { value: `value of ${name}` } });
const binding = (name: string, host = `${name}.example.org`) => ({
  name,
  match: { hosts: [host] },
  auth: { type: "bearer", credential: "a" },
});

function create(request: object, before?: VaultState): Changed {
  return createState(before, valueOf(parseRequest(JSON.stringify(request))), sources);
}

function mutate(before: VaultState | undefined, mutation: object): Changed {
  return mutateState(before, valueOf(parseMutation(JSON.stringify(mutation))), sources);
}

function stateOf(changed: Changed): VaultState {
  if (!changed.ok) throw new Error(changed.refusal.message);
  return changed.state;
}

const FIRST = stateOf(
  create({ credentials: [credential("a"), credential("b")], bindings: [binding("x"), binding("y")] }),
);

function ids(state: VaultState): readonly number[] {
  return [...state.credentials.values()].map(({ id }) => id);
}

function many(from: number) {
  return Array.from({ length: 600 }, (_, n) => credential(`c${from + n}`));
}

test("a new vault has revision 1, and so have its credentials", () => {
  expect(FIRST.revision).toBe(1);
  expect([...FIRST.credentials.values()].map(({ name, revision }) => [name, revision])).toEqual([
    ["a", 1],
    ["b", 1],
  ]);
  expect([...FIRST.bindings.keys()]).toEqual(["x", "y"]);
});

test("a second vault is refused, and so is a mutation of none", () => {
  expect(create({}, FIRST)).toEqual({
    ok: false,
    refusal: { code: "vault-exists", message: "credential vault already exists" },
  });
  expect(mutate(undefined, {})).toEqual({
    ok: false,
    refusal: { code: "vault-not-found", message: "credential vault not found" },
  });
});

test("every mutation adds 1 to the revision, an empty one too, and leaves the state before as it was", () => {
  const second = stateOf(mutate(FIRST, {}));
  expect(second).toEqual({ ...FIRST, revision: 2 });
  expect(stateOf(mutate(second, { expectedRevision: 2 })).revision).toBe(3);
  expect(FIRST.revision).toBe(1);
});

test("a mutation that expects another revision is refused before anything else", () => {
  const mutation = { expectedRevision: 4, credentials: { delete: ["nosuch"] } };
  expect(mutate(FIRST, mutation)).toEqual({
    ok: false,
    refusal: { code: "vault-revision", message: "expectedRevision 4 does not match current revision 1" },
  });
});

test("a credential's revision is that of its last replacement, and its id stays", () => {
  const second = stateOf(
    mutate(FIRST, { credentials: { replace: [credential("b")], add: [credential("c")] } }),
  );
  const shown = [...second.credentials.values()].map(({ name, revision }) => [name, revision]);
  expect(shown).toEqual([
    ["a", 1],
    ["b", 2],
    ["c", 2],
  ]);
  expect(ids(second).slice(0, 2)).toEqual(ids(FIRST));
  expect(new Set(ids(second)).size).toBe(3);
});

test("a credential that is deleted and added later has another id", () => {
  const without = stateOf(mutate(FIRST, { credentials: { delete: ["b"] } }));
  const again = stateOf(mutate(without, { credentials: { add: [credential("b")] } }));
  expect(again.credentials.get("b")?.id).not.toBe(FIRST.credentials.get("b")?.id);
});

describe("what cannot be is refused as a whole", () => {
  test.each([
    [{ credentials: { add: [credential("a")] } }, 'credential "a" cannot be added: it is there already'],
    [{ credentials: { replace: [credential("c")] } }, 'credential "c" cannot be replaced: there is none'],
    [{ credentials: { delete: ["c"] } }, 'credential "c" cannot be deleted: there is none'],
    [{ bindings: { add: [binding("x")] } }, 'binding "x" cannot be added: it is there already'],
    [{ bindings: { replace: [binding("z")] } }, 'binding "z" cannot be replaced: there is none'],
    [{ bindings: { delete: ["z"] } }, 'binding "z" cannot be deleted: there is none'],
    [
      { credentials: { delete: ["a"], add: [credential("a")] } },
      'credential "a" is mentioned by multiple operations',
    ],
    [
      { bindings: { delete: ["x"], replace: [binding("x")] } },
      'binding "x" is mentioned by multiple operations',
    ],
    [{ credentials: { delete: ["a", " a"] } }, 'duplicate credential name "a"'],
    [{ credentials: { add: [credential("c"), credential("c ")] } }, 'duplicate credential name "c"'],
    [{ bindings: { add: [binding("z"), binding("z")] } }, 'duplicate binding name "z"'],
  ])("%j: %s", (mutation, message) => {
    expect(mutate(FIRST, mutation)).toEqual({ ok: false, refusal: { code: "invalid-vault", message } });
  });

  test("names that stand twice in a new vault", () => {
    expect(create({ credentials: [credential("a"), credential(" a ")] })).toMatchObject({
      refusal: { message: 'duplicate credential name "a"' },
    });
  });

  test("more than 1024 of a kind, which no series of mutations gets past", () => {
    const half = stateOf(create({ credentials: many(0) }));
    expect(mutate(half, { credentials: { add: many(600) } })).toMatchObject({
      refusal: { message: "the vault would hold more than 1024 credentials" },
    });
  });
});
