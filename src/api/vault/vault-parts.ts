import type { Prefix } from "../../policy/prefix.ts";
import { NOT_INTERCEPTING, type VaultReadiness } from "../../vault/readiness.ts";
import type { SourceType } from "../../vault/request/vault-request.ts";
import { NO_VAULT_CONTROL, type VaultControl } from "../../vault/vault-control.ts";

export interface VaultSettings {
  /** Writes over TCP need TLS before us, or a caller on the loopback. */
  readonly requireTls: boolean;
  /** Whose `X-Forwarded-Proto` is believed. */
  readonly trustedProxies: readonly Prefix[];
  /** A binding has to name methods and paths. */
  readonly requireScopedMatch: boolean;
  /** Sources that callers over TCP may name besides `inline`; those of the unix socket may name all. */
  readonly sources: readonly SourceType[];
}

export interface VaultParts {
  readonly control: VaultControl;
  readonly readiness: VaultReadiness;
  readonly settings: VaultSettings;
}

/** If nothing is intercepted: it answers as the original does then. */
export const VAULT_OFF: VaultParts = {
  control: NO_VAULT_CONTROL,
  readiness: NOT_INTERCEPTING,
  settings: { requireTls: false, trustedProxies: [], requireScopedMatch: false, sources: [] },
};
