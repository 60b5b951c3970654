/** Whether the vault accepts secrets. The API promises the order in which it reports what is missing. */

/** What the interception says of itself. */
export interface VaultReadiness {
  /** Whether TCP to bound hosts goes to us (`OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT`). */
  readonly isTransparent: boolean;
  /** Whether upstream certificates are not checked. */
  readonly isInsecure: boolean;
  /** Whether the kernel enforces addresses, and not the resolver names alone. */
  readonly isKernelEnforced: boolean;
  /**
   * Settles with true once requests are intercepted, and with false if that has failed. It may take as long
   * as the interception needs to start; `signal` ends the wait.
   */
  isProxyReady(signal: AbortSignal): Promise<boolean>;
}

/** For a sidecar that intercepts nothing. */
export const NOT_INTERCEPTING: VaultReadiness = {
  isTransparent: false,
  isInsecure: false,
  isKernelEnforced: false,
  isProxyReady: async () => false,
};

/** The first thing that is missing, in the words of the contract; undefined if the vault accepts secrets. */
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
