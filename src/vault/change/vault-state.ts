/**
 * What the API's writers have made of the vault, and what a write makes of it. It turns a value into another
 * value: all of a write, or nothing.
 *
 * Order inside a mutation: delete, replace, add; credentials before bindings. A name may be in one operation
 * only.
 */
import { quote } from "../../policy/problem.ts";
import type {
  CredentialSource,
  NewBinding,
  NewCredential,
  Operations,
  VaultMutation,
  VaultRequest,
} from "../request/vault-request.ts";
import type { Secret } from "../secret.ts";

export interface StoredCredential {
  readonly name: string;
  /** See `Credential`. */
  readonly id: number;
  /** The vault's revision when it was added or last replaced. */
  readonly revision: number;
  readonly source: CredentialSource;
  /** Undefined while its source gives none, for the reason in `problem`. */
  readonly value: Secret | undefined;
  /** See `Credential`. */
  readonly former: readonly Secret[];
  readonly problem: string | undefined;
}

const MOST_FORMER = 4;

/** The former values of its next value. */
export function formerOf({ value, former }: StoredCredential): readonly Secret[] {
  if (value === undefined || former.some((one) => one.reveal() === value.reveal())) return former;
  return [value, ...former].slice(0, MOST_FORMER);
}

export interface VaultState {
  readonly revision: number;
  readonly credentials: ReadonlyMap<string, StoredCredential>;
  readonly bindings: ReadonlyMap<string, NewBinding>;
}

export type VaultRefusal =
  | { readonly code: "vault-exists"; readonly message: string }
  | { readonly code: "vault-not-found"; readonly message: string }
  | { readonly code: "vault-revision"; readonly message: string }
  | { readonly code: "invalid-vault"; readonly message: string };

export type Changed =
  | { readonly ok: true; readonly state: VaultState }
  | { readonly ok: false; readonly refusal: VaultRefusal };

export interface ChangeSources {
  /** The value of a credential of the write. */
  readonly valueOf: (credential: NewCredential) => Secret | undefined;
  /** Never gives the same id twice. */
  readonly nextId: () => number;
}

export const NOT_FOUND: VaultRefusal = { code: "vault-not-found", message: "credential vault not found" };

export function createState(
  before: VaultState | undefined,
  { credentials, bindings }: VaultRequest,
  sources: ChangeSources,
): Changed {
  if (before !== undefined) {
    return { ok: false, refusal: { code: "vault-exists", message: "credential vault already exists" } };
  }
  const empty: VaultState = { revision: 0, credentials: new Map(), bindings: new Map() };
  const all = { delete: [], replace: [] };
  return applyOperations(
    empty,
    { credentials: { ...all, add: credentials }, bindings: { ...all, add: bindings } },
    sources,
  );
}

export function mutateState(
  before: VaultState | undefined,
  mutation: VaultMutation,
  sources: ChangeSources,
): Changed {
  if (before === undefined) return { ok: false, refusal: NOT_FOUND };
  const { expectedRevision } = mutation;
  if (expectedRevision !== undefined && expectedRevision !== before.revision) {
    const message = `expectedRevision ${expectedRevision} does not match current revision ${before.revision}`;
    return { ok: false, refusal: { code: "vault-revision", message } };
  }
  return applyOperations(before, mutation, sources);
}

function applyOperations(
  before: VaultState,
  { credentials, bindings }: Pick<VaultMutation, "credentials" | "bindings">,
  { valueOf, nextId }: ChangeSources,
): Changed {
  const revision = before.revision + 1;
  const store = (credential: NewCredential, id: number, former: readonly Secret[] = []): StoredCredential => {
    const { name, source } = credential;
    return { name, id, revision, source, value: valueOf(credential), former, problem: undefined };
  };
  const nextCredentials = operate("credential", before.credentials, credentials, {
    replace: (credential, old) => store(credential, old.id, formerOf(old)),
    add: (credential) => store(credential, nextId()),
  });
  if (typeof nextCredentials === "string") return invalid(nextCredentials);
  const nextBindings = operate("binding", before.bindings, bindings, {
    replace: (binding) => binding,
    add: (binding) => binding,
  });
  if (typeof nextBindings === "string") return invalid(nextBindings);
  return { ok: true, state: { revision, credentials: nextCredentials, bindings: nextBindings } };
}

/** For credentials, and for bindings: far above what one sandbox needs. */
const MOST = 1024;

/** The entries after the operations, or what is wrong with the operations. */
function operate<T extends { readonly name: string }, S>(
  what: string,
  before: ReadonlyMap<string, S>,
  operations: Operations<T>,
  store: { readonly replace: (given: T, old: S) => S; readonly add: (given: T) => S },
): ReadonlyMap<string, S> | string {
  const twice = findNamedTwice(what, operations);
  if (twice !== undefined) return twice;
  const after = new Map(before);
  for (const name of operations.delete) {
    if (!after.delete(name)) return `${what} ${quote(name)} cannot be deleted: there is none`;
  }
  for (const given of operations.replace) {
    const old = after.get(given.name);
    if (old === undefined) return `${what} ${quote(given.name)} cannot be replaced: there is none`;
    after.set(given.name, store.replace(given, old));
  }
  for (const given of operations.add) {
    if (after.has(given.name)) return `${what} ${quote(given.name)} cannot be added: it is there already`;
    after.set(given.name, store.add(given));
  }
  if (after.size > MOST) return `the vault would hold more than ${MOST} ${what}s`;
  return after;
}

function findNamedTwice<T extends { readonly name: string }>(
  what: string,
  operations: Operations<T>,
): string | undefined {
  const named = new Map<string, string>();
  const { delete: deleted, replace, add } = operations;
  const all = { delete: deleted, replace: replace.map(({ name }) => name), add: add.map(({ name }) => name) };
  for (const [operation, names] of Object.entries(all)) {
    for (const name of names) {
      const earlier = named.get(name);
      if (earlier === operation) return `duplicate ${what} name ${quote(name)}`;
      if (earlier !== undefined) return `${what} ${quote(name)} is mentioned by multiple operations`;
      named.set(name, operation);
    }
  }
  return undefined;
}

export function invalid(message: string): { readonly ok: false; readonly refusal: VaultRefusal } {
  return { ok: false, refusal: { code: "invalid-vault", message } };
}
