import { trimBlanks } from "../policy/trim-blanks.ts";
import type { Binding, BindingAuth, BindingSpec, Credential, InjectedHeader } from "./binding.ts";
import { Secret } from "./secret.ts";

/** The binding with what it injects; `unavailable` if a credential has no value, or for the given reason. */
export function resolveBinding(binding: BindingSpec, outOfForce?: string): Binding {
  const { name, match, auth, substitutions } = binding;
  const credentials = [...new Set(credentialsOf(binding))];
  const lacksValue = credentials.some(({ value }) => value === undefined);
  const unavailable = outOfForce ?? (lacksValue ? "a credential has no value: its source failed" : undefined);
  const headers = unavailable === undefined ? injectedHeaders(auth) : [];
  const oldest = Math.max(0, ...credentials.map(({ former = [] }) => former.length));
  const credentialIds = credentials.map(({ id }) => id);
  return {
    name,
    match,
    auth,
    substitutions,
    headers,
    secrets: textsOf(auth, credentials, ({ value }) => value),
    former: Array.from({ length: oldest }, (_, age) =>
      textsOf(auth, credentials, ({ former = [] }) => former[age]),
    ),
    credentialIds,
    unavailable,
  };
}

/** What must not come back of the credentials' values, present or former: as they are, and in headers. */
function textsOf(
  auth: BindingAuth,
  credentials: readonly Credential[],
  valueOf: (credential: Credential) => Secret | undefined,
): readonly Secret[] {
  const values = credentials.flatMap((one) => valueOf(one) ?? []);
  return distinct([...values, ...values.flatMap(trimmedOf), ...renderedOf(auth, valueOf)]);
}

/** As servers may read it that take away what is blank at its ends, and give it back. */
function trimmedOf(value: Secret): readonly Secret[] {
  const text = value.reveal();
  return [trimBlanks(text), text.trim()].map((trimmed) => new Secret(trimmed));
}

/** The first of those with the same text. */
function distinct(secrets: readonly Secret[]): readonly Secret[] {
  const byTexts = new Map<string, Secret>();
  for (const secret of secrets) if (!byTexts.has(secret.reveal())) byTexts.set(secret.reveal(), secret);
  return [...byTexts.values()];
}

function renderedOf(
  auth: BindingAuth,
  valueOf: (credential: Credential) => Secret | undefined,
): readonly Secret[] {
  if (auth.type === "passthrough" || auth.type === "customHeaders") return [];
  const { credential } = auth;
  const value = valueOf(credential);
  return injectedHeaders({ ...auth, credential: { ...credential, value } }).map((header) => header.value);
}

/** The credentials that the binding refers to, in order, and as often as it does. */
export function credentialsOf<C>({
  auth,
  substitutions,
}: Pick<BindingSpec<C>, "auth" | "substitutions">): readonly C[] {
  return [...authCredentials(auth), ...substitutions.map(({ credential }) => credential)];
}

function authCredentials<C>(auth: BindingAuth<C>): readonly C[] {
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
  const text = prefix + trimBlanks(value.reveal());
  return [{ name, value: text === value.reveal() ? value : new Secret(text) }];
}
