import type { Binding, BindingAuth, Credential, InjectedHeader, Substitution } from "./binding.ts";
import { Secret } from "./secret.ts";

export type UnresolvedBinding = Pick<Binding, "name" | "match" | "auth" | "substitutions">;

/** The binding with what it injects; `unavailable` where a credential has no value, or for the reason given. */
export function resolveBinding(binding: UnresolvedBinding, outOfForce?: string): Binding {
  const { name, match, auth, substitutions } = binding;
  const credentials = credentialsOf(auth, substitutions);
  const lacking = credentials.find(({ value }) => value === undefined);
  const unavailable =
    outOfForce ?? (lacking && `credential "${lacking.name}" has no value: its source failed`);
  const headers = unavailable === undefined ? injectedHeaders(auth) : [];
  const values = credentials.flatMap(({ value }) => value ?? []);
  const rendered = headers.flatMap(({ value }) => (values.includes(value) ? [] : value));
  const credentialIds = credentials.map(({ id }) => id);
  return {
    name,
    match,
    auth,
    substitutions,
    headers,
    secrets: [...values, ...rendered],
    credentialIds,
    unavailable,
  };
}

/** Each once. */
function credentialsOf(auth: BindingAuth, substitutions: readonly Substitution[]): readonly Credential[] {
  const all = [...authCredentials(auth), ...substitutions.map(({ credential }) => credential)];
  return [...new Map(all.map((credential) => [credential.id, credential])).values()];
}

function authCredentials(auth: BindingAuth): readonly Credential[] {
  if (auth.type === "passthrough") return [];
  return auth.type === "customHeaders" ? auth.headers.map(({ credential }) => credential) : [auth.credential];
}

function injectedHeaders(auth: BindingAuth): readonly InjectedHeader[] {
  if (auth.type === "passthrough") return [];
  if (auth.type === "customHeaders")
    return auth.headers.flatMap(({ name, credential }) => inject(name, "", credential));
  if (auth.type === "apiKey") return inject(auth.name, "", auth.credential);
  return inject("Authorization", auth.type === "bearer" ? "Bearer " : "Basic ", auth.credential);
}

function inject(name: string, prefix: string, { value }: Credential): readonly InjectedHeader[] {
  if (value === undefined) return [];
  return [{ name, value: prefix === "" ? value : new Secret(prefix + value.reveal()) }];
}
