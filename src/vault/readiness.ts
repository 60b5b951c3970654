/**
 * Whether secrets may be put into the vault: the order in which what is lacking is told is the API's promise.
 */

/** What the interception says of itself. */
export interface VaultReadiness {
  /** Whether TCP to bound hosts is led to us (`OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT`). */
  readonly isTransparent: boolean;
  /** Whether upstream certificates go unchecked. */
  readonly isInsecure: boolean;
  /** Whether addresses are enforced in the kernel, not names alone. */
  readonly isKernelEnforced: boolean;
  /**
   * Settles with true once requests are intercepted, and with false where that has failed. May take as long
   * as the start of the interception does; `signal` ends the wait.
   */
  isProxyReady(signal: AbortSignal): Promise<boolean>;
}

/** Where nothing is intercepted. */
export const NOT_INTERCEPTING: VaultReadiness = {
  isTransparent: false,
  isInsecure: false,
  isKernelEnforced: false,
  isProxyReady: async () => false,
};

/** What is lacking first, in the words of the contract; undefined where secrets may be written. */
export async function findLacking(
  readiness: VaultReadiness,
  hasToken: boolean,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!hasToken) return "credential vault requires egress API auth token";
  if (!readiness.isTransparent) return "credential vault requires transparent mitmproxy";
  if (readiness.isInsecure) return "credential vault rejects insecure upstream TLS mode";
  if (!readiness.isKernelEnforced) return "credential vault requires dns+nft egress enforcement";
  return (await readiness.isProxyReady(signal)) ? undefined : "credential proxy is not ready";
}
