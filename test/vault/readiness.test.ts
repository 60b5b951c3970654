import { expect, test } from "vitest";
import { findLacking, NOT_INTERCEPTING, type VaultReadiness } from "../../src/vault/readiness.ts";

const READY: VaultReadiness = {
  isTransparent: true,
  isInsecure: false,
  isKernelEnforced: true,
  isProxyReady: async () => true,
};
const NOTHING: VaultReadiness = { ...NOT_INTERCEPTING, isInsecure: true };

test.each([
  [NOTHING, false, "credential vault requires egress API auth token"],
  [NOTHING, true, "credential vault requires transparent mitmproxy"],
  [{ ...NOTHING, isTransparent: true }, true, "credential vault rejects insecure upstream TLS mode"],
  [
    { ...NOTHING, isTransparent: true, isInsecure: false },
    true,
    "credential vault requires dns+nft egress enforcement",
  ],
  [{ ...READY, isProxyReady: async () => false }, true, "credential proxy is not ready"],
  [READY, true, undefined],
] as const)("the first that is lacking is told: %#", async (readiness, hasToken, message) => {
  expect(await findLacking(readiness, hasToken, AbortSignal.timeout(60_000))).toBe(message);
});
