import { NO_VAULT, type VaultInForce } from "./vault-in-force.ts";

/** What the interception knows of the vault. */
export interface Vault {
  /** Costs one property read; the value changes only when the vault does. */
  inForce(): VaultInForce;
  /**
   * Calls the listener for each value that has replaced another, at once and in order, before the API answers
   * the call that made it. The result ends it. A listener must not throw.
   */
  subscribe(listener: VaultListener): () => void;
}

export type VaultListener = (after: VaultInForce, before: VaultInForce) => void;

export interface VaultCell extends Vault {
  /** For the owner of the vault alone. */
  write(next: VaultInForce): void;
}

/** Nothing is bound until the first `write`. */
export function createVaultCell(): VaultCell {
  let inForce = NO_VAULT;
  const listeners = new Set<VaultListener>();
  return {
    inForce: () => inForce,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    write(next) {
      const before = inForce;
      inForce = next;
      for (const listener of listeners) listener(next, before);
    },
  };
}
