/** Bindings and vaults in force for tests, from as little as a test has to say. */
import type { Binding, BindingSpec, Credential, Scheme } from "../../src/vault/binding.ts";
import { parseHostPattern } from "../../src/vault/host-pattern.ts";
import { resolveBinding } from "../../src/vault/resolve-binding.ts";
import { Secret } from "../../src/vault/secret.ts";
import { createVaultInForce, type VaultInForce } from "../../src/vault/vault-in-force.ts";
import { valueOf } from "../support/policy.ts";

export interface BindingWords {
  readonly schemes?: readonly Scheme[];
  readonly hosts: readonly string[];
  readonly methods?: readonly string[];
  readonly paths?: readonly string[];
  readonly auth?: Binding["auth"];
  readonly substitutions?: Binding["substitutions"];
}

export function credential(name: string, value: string | undefined, id = 1): Credential {
  return { name, id, value: value === undefined ? undefined : new Secret(value) };
}

/** Default: a bearer token for every usual method and path. */
export function binding(name: string, words: BindingWords): Binding {
  const spec: BindingSpec = {
    name,
    match: {
      schemes: words.schemes ?? ["https"],
      hosts: words.hosts.map((host) => valueOf(parseHostPattern(host))),
      methods: words.methods ?? ["GET", "POST", "PUT", "PATCH", "DELETE"],
      paths: words.paths ?? ["/*"],
    },
    auth: words.auth ?? { type: "bearer", credential: credential("token", "s3cr3t") },
    substitutions: words.substitutions ?? [],
  };
  return resolveBinding(spec);
}

/** A vault of these bindings, with the credentials that they use. */
export function vaultOf(...bindings: readonly Binding[]): VaultInForce {
  return createVaultInForce({
    revision: 1,
    tag: 1,
    bindings,
    credentialIds: new Set(bindings.flatMap(({ credentialIds }) => credentialIds)),
    secrets: bindings.flatMap(({ secrets, former }) => [secrets, ...former].flat()),
  });
}
