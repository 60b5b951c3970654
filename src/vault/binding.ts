/** What the vault puts where: a credential, and the binding that says into which requests it goes. */
import type { HostPattern } from "./host-pattern.ts";
import type { Secret } from "./secret.ts";

export type Scheme = "https" | "http";

/** Where requests of the scheme go unless another port is named. */
export const SCHEME_PORTS: Readonly<Record<Scheme, number>> = { https: 443, http: 80 };

/** `path` and `query` are of the request target, `header` is any field but those of framing and routing. */
export type Surface = "path" | "query" | "header" | "body";

/** A credential as it is now. */
export interface Credential {
  readonly name: string;
  /**
   * Stays the same while the value is refreshed or replaced, and is never used again: what used a credential
   * whose id has gone is to be reset.
   */
  readonly id: number;
  /** Undefined while its source gives none: nothing may be sent that needs it. */
  readonly value: Secret | undefined;
  /**
   * The values that it had before, the last one first: they may be good for a while yet, and must not come
   * back.
   */
  readonly former?: readonly Secret[];
}

/** Which requests: all four have to hold. None of the lists is empty. */
export interface BindingMatch {
  readonly schemes: readonly Scheme[];
  readonly hosts: readonly HostPattern[];
  /** Upper case. */
  readonly methods: readonly string[];
  /** Each begins with `/`; one that ends in `*` matches every path that begins with the rest. */
  readonly paths: readonly string[];
}

export interface CustomHeader<C = Credential> {
  /** In canonical form: `Private-Token`. */
  readonly name: string;
  readonly credential: C;
}

/** `C` is how it refers to a credential. */
export type BindingAuth<C = Credential> =
  | { readonly type: "bearer" | "basic"; readonly credential: C }
  | { readonly type: "apiKey"; readonly name: string; readonly credential: C }
  | { readonly type: "customHeaders"; readonly headers: readonly CustomHeader<C>[] }
  /** Nothing: for substitutions alone. */
  | { readonly type: "passthrough" };

/** Each occurrence of the placeholder, case and blanks counted, becomes the credential's value. */
export interface Substitution<C = Credential> {
  readonly credential: C;
  readonly placeholder: string;
  /** Without duplicates, not empty. */
  readonly surfaces: readonly Surface[];
}

/** A header that is put into a request, once every field of that name in any spelling has been taken out. */
export interface InjectedHeader {
  readonly name: string;
  /** As it is sent: `Bearer ...`. */
  readonly value: Secret;
}

/** What the API was told of a binding, once it was checked. */
export interface BindingSpec<C = Credential> {
  readonly name: string;
  readonly match: BindingMatch;
  readonly auth: BindingAuth<C>;
  readonly substitutions: readonly Substitution<C>[];
}

export interface Binding extends BindingSpec {
  /** What `auth` comes to. Empty while `unavailable`. */
  readonly headers: readonly InjectedHeader[];
  /**
   * Every text that must not come back: values of its credentials, former ones too, each once, and injected
   * headers where they are more than a value.
   */
  readonly secrets: readonly Secret[];
  /** Ids of its credentials, each once. */
  readonly credentialIds: readonly number[];
  /**
   * Why a request that it matches must not go out, in words for people: a credential without a value, or a
   * host that the policy denies.
   */
  readonly unavailable: string | undefined;
}
