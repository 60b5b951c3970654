import type { BindingAuth } from "../binding.ts";
import { renderHostPattern } from "../host-pattern.ts";
import type { NewBinding, SourceType } from "../request/vault-request.ts";
import type { StoredCredential, VaultState } from "./vault-state.ts";

/** What callers get to see: no value, no placeholder, and not which credential a binding uses. */
export interface CredentialJson {
  readonly name: string;
  readonly sourceType: SourceType;
  /** The vault's revision when it was added or last replaced. */
  readonly revision: number;
  /** Why its source gives no value now: what needs it is refused. */
  readonly problem?: string;
}

export interface BindingJson {
  readonly name: string;
  /** Of the vault. */
  readonly revision: number;
  readonly match: {
    readonly schemes: readonly string[];
    readonly hosts: readonly string[];
    readonly methods: readonly string[];
    readonly paths: readonly string[];
  };
  readonly auth: { readonly type: BindingAuth["type"]; readonly name?: string };
  /** Why the sidecar refuses requests that it matches now. */
  readonly problem?: string;
}

export interface VaultJson {
  readonly revision: number;
  /** By name. */
  readonly credentials: readonly CredentialJson[];
  /** By name. */
  readonly bindings: readonly BindingJson[];
}

export function describeState(state: VaultState, problemOf: (name: string) => string | undefined): VaultJson {
  const { revision, credentials, bindings } = state;
  return {
    revision,
    credentials: inOrder(credentials).map(describeCredential),
    bindings: inOrder(bindings).map((binding) => describeBinding(binding, revision, problemOf(binding.name))),
  };
}

/** By code points, as everywhere. */
function inOrder<T>(all: ReadonlyMap<string, T>): readonly T[] {
  return [...all].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, value]) => value);
}

function describeCredential({ name, source, revision, problem }: StoredCredential): CredentialJson {
  return { name, sourceType: source.type, revision, ...(problem === undefined ? {} : { problem }) };
}

function describeBinding(
  { name, match, auth }: NewBinding,
  revision: number,
  problem: string | undefined,
): BindingJson {
  const { schemes, methods, paths } = match;
  return {
    name,
    revision,
    match: { schemes, hosts: match.hosts.map(renderHostPattern), methods, paths },
    auth: { type: auth.type, ...(auth.type === "apiKey" ? { name: auth.name } : {}) },
    ...(problem === undefined ? {} : { problem }),
  };
}
