/** What the calls of the credential vault take and give. */
import type { Schemas } from "./schemas.ts";

/** A credential: its value, or where the sidecar finds it. */
export type CredentialInput = Readonly<Schemas["NewCredential"]>;

/** Into which requests credentials go, and where. */
export type BindingInput = Readonly<Schemas["NewBinding"]>;

export type VaultInput = Readonly<Schemas["VaultRequest"]>;
export type VaultMutation = Readonly<Schemas["VaultMutation"]>;

/** What the vault holds, without a value. */
export type VaultState = Readonly<Schemas["Vault"]>;

interface VaultCallOptions {
  readonly signal?: AbortSignal;
}

/** The sidecar checks what these are given, key by key. */
export interface VaultCalls {
  /** Throws ApiError `vault-not-found` if there is none. */
  getVault(options?: VaultCallOptions): Promise<VaultState>;
  createVault(vault: VaultInput, options?: VaultCallOptions): Promise<VaultState>;
  /** All of it, or nothing. */
  patchVault(mutation: VaultMutation, options?: VaultCallOptions): Promise<VaultState>;
  deleteVault(options?: VaultCallOptions): Promise<void>;
}
