/** What the vault puts where: a credential, and the binding that says which requests get it. */
import type { HostPattern } from "./host-pattern.ts";
import type { Secret } from "./secret.ts";

export type Scheme = "https" | "http";

/** The port for requests of the scheme, unless the binding names another. */
export const SCHEME_PORTS: Readonly<Record<Scheme, number>> = { https: 443, http: 80 };

/**
 * `path` and `query` are parts of the request target; `header` is a field whose name is a credential's.
 */
export type Surface = "path" | "query" | "header" | "body";

/** A credential as it is now. */
export interface Credential {
  readonly name: string;
  /**
   * Stays the same while the value is refreshed or replaced, and is never used again. Once an id has gone,
   * whatever used its credential has to be reset.
   */
  readonly id: number;
  /** Undefined while its source gives none: then nothing that needs it may be sent. */
  readonly value: Secret | undefined;
  /**
   * The values that it had before, the last one first. They may be valid for a while yet, and must not come
   * back.
   */
  readonly former?: readonly Secret[];
}

/** In place of a method: any that the relay lets through. */
export const ANY_METHOD = "*";

/** Which requests: all four have to match. None of the lists is empty. */
export interface BindingMatch {
  readonly schemes: readonly Scheme[];
  readonly hosts: readonly HostPattern[];
  /** Upper case, or {@link ANY_METHOD}. */
  readonly methods: readonly string[];
  /** Each begins with `/`; one that ends in `*` matches every path that begins with the rest. */
  readonly paths: readonly string[];
}

export interface CustomHeader<C = Credential> {
  /** In canonical form: `Private-Token`. */
  readonly name: string;
  readonly credential: C;
}

/** `C` is the type of the reference to a credential. */
export type BindingAuth<C = Credential> =
  | { readonly type: "bearer" | "basic"; readonly credential: C }
  | { readonly type: "apiKey"; readonly name: string; readonly credential: C }
  | { readonly type: "customHeaders"; readonly headers: readonly CustomHeader<C>[] }
  /** Nothing: the binding only substitutes. */
  | { readonly type: "passthrough" };

/** Each occurrence of the placeholder becomes the credential's value; case and blanks count. */
export interface Substitution<C = Credential> {
  readonly credential: C;
  readonly placeholder: string;
  /** Without duplicates, not empty. */
  readonly surfaces: readonly Surface[];
}

/** A header that goes into a request. Every field of that name, in any spelling, is taken out first. */
export interface InjectedHeader {
  readonly name: string;
  /** As it is sent: `Bearer ...`. Without blanks at its ends, which HTTP/2 has no form for. */
  readonly value: Secret;
}

/** A binding as the API got and checked it. */
export interface BindingSpec<C = Credential> {
  readonly name: string;
  readonly match: BindingMatch;
  readonly auth: BindingAuth<C>;
  readonly substitutions: readonly Substitution<C>[];
}

export interface Binding extends BindingSpec {
  /** What `auth` puts into a request. Empty while `unavailable`. */
  readonly headers: readonly InjectedHeader[];
  /**
   * Every text that must not come back, each once: values of its credentials, also without what is blank at
   * their ends, and injected headers if they hold more than a value.
   */
  readonly secrets: readonly Secret[];
  /** The same of former values: of each credential's last one first, then of the one before, and so on. */
  readonly former: readonly (readonly Secret[])[];
  /** Ids of its credentials, each once. */
  readonly credentialIds: readonly number[];
  /**
   * Why a request that it matches must not go out, in words for people: a credential has no value, or the
   * policy denies a host.
   */
  readonly unavailable: string | undefined;
}
