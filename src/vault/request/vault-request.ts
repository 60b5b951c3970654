/** What callers of `/credential-vault` want, once their JSON is read and each part is checked by itself. */
import type { BindingSpec } from "../binding.ts";
import type { Secret } from "../secret.ts";

/** Where a credential's value comes from. */
export type CredentialSource =
  | { readonly type: "inline"; readonly value: Secret }
  /** A variable of the sidecar's own environment. */
  | { readonly type: "env"; readonly variable: string }
  | {
      readonly type: "file";
      /** Absolute. */
      readonly path: string;
      /** Undefined: read once. */
      readonly refreshAfterSeconds: number | undefined;
    }
  | {
      readonly type: "command";
      /** A program and its arguments; no shell runs them. */
      readonly command: readonly [string, ...string[]];
      readonly refreshAfterSeconds: number | undefined;
    };

export type SourceType = CredentialSource["type"];

export interface NewCredential {
  readonly name: string;
  readonly source: CredentialSource;
}

/** Refers to credentials by name. */
export type NewBinding = BindingSpec<string>;

/** `POST /credential-vault` */
export interface VaultRequest {
  readonly credentials: readonly NewCredential[];
  readonly bindings: readonly NewBinding[];
}

export interface Operations<T> {
  readonly delete: readonly string[];
  readonly replace: readonly T[];
  readonly add: readonly T[];
}

/** `PATCH /credential-vault` */
export interface VaultMutation {
  readonly expectedRevision: number | undefined;
  readonly credentials: Operations<NewCredential>;
  readonly bindings: Operations<NewBinding>;
}
