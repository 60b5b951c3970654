import type { CompiledPolicy } from "../../policy/compile.ts";
import type { Binding, BindingAuth, BindingSpec, Credential } from "../binding.ts";
import type { NewBinding } from "../request/vault-request.ts";
import { resolveBinding } from "../resolve-binding.ts";
import type { Secret } from "../secret.ts";
import { createVaultInForce, type VaultInForce } from "../vault-in-force.ts";
import { findUncovered } from "./validate.ts";
import type { VaultState } from "./vault-state.ts";

/**
 * The state as the interception reads it. A binding with a host that the policy denies stays bound, and is
 * unavailable.
 */
export function putInForce(state: VaultState, policy: CompiledPolicy, tag: number): VaultInForce {
  const { revision } = state;
  const credentials = new Map<string, Credential>(state.credentials);
  const bindings = [...state.bindings.values()].map((binding) =>
    resolveBinding(specOf(binding, credentials), findUncovered([binding], policy)?.message),
  );
  const stored = [...state.credentials.values()];
  return createVaultInForce({
    revision,
    tag,
    bindings,
    credentialIds: new Set(stored.map(({ id }) => id)),
    secrets: allSecrets(stored, bindings),
  });
}

function allSecrets(credentials: readonly Credential[], bindings: readonly Binding[]): readonly Secret[] {
  return [
    ...new Set([
      ...credentials.flatMap(({ value, former = [] }) => [value ?? [], former].flat()),
      ...bindings.flatMap(({ secrets, former }) => [secrets, ...former].flat()),
    ]),
  ];
}

function specOf(
  { name, match, auth, substitutions }: NewBinding,
  credentials: ReadonlyMap<string, Credential>,
): BindingSpec {
  const resolve = (reference: string): Credential => {
    const credential = credentials.get(reference);
    if (credential === undefined) throw new TypeError(`binding ${name} was not validated`);
    return credential;
  };
  return {
    name,
    match,
    auth: resolveAuth(auth, resolve),
    substitutions: substitutions.map((one) => ({ ...one, credential: resolve(one.credential) })),
  };
}

function resolveAuth(auth: BindingAuth<string>, resolve: (name: string) => Credential): BindingAuth {
  if (auth.type === "passthrough") return auth;
  if (auth.type === "customHeaders") {
    return { ...auth, headers: auth.headers.map((one) => ({ ...one, credential: resolve(one.credential) })) };
  }
  return { ...auth, credential: resolve(auth.credential) };
}
