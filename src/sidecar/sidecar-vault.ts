import { setTimeout as delay } from "node:timers/promises";
import type { VaultParts } from "../api/vault/vault-parts.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { Settings } from "../config.ts";
import type { Sandbox } from "../enforcement/sandbox.ts";
import { setDumpable } from "../sys/dumpable.ts";
import { runInSlices } from "../sys/in-slices.ts";
import { createSourceLoader } from "../vault/io/load-source.ts";
import { type OpenVault, openVault } from "../vault/io/open-vault.ts";
import { NOT_INTERCEPTING, type VaultReadiness } from "../vault/readiness.ts";
import type { VaultControl } from "../vault/vault-control.ts";

/** The vault of this sidecar, empty; `env` is where sources of the type `env` look. */
export function openSidecarVault(
  env: Readonly<Record<string, string | undefined>>,
  audit: Pick<AuditLog, "vaultChanged" | "vaultFault">,
): OpenVault {
  return openVault({
    load: createSourceLoader({ env }),
    audit,
    takeSteps: runInSlices,
    nowMs: () => performance.now(),
    guardMemory: () => setDumpable(false),
  });
}

/** The vault in the words of the API. */
export function describeVault(
  settings: Settings,
  control: VaultControl,
  readiness: VaultReadiness,
): VaultParts {
  return {
    control,
    readiness,
    settings: {
      requireTls: settings.vaultRequiresTls,
      trustedProxies: settings.vaultTrustedProxies,
      requireScopedMatch: settings.vaultRequiresScopedMatch,
      sources: settings.vaultSources ?? [],
    },
  };
}

const READINESS_LOOK_MS = 50;

/** What the vault asks before it takes secrets. */
export function describeReadiness(
  settings: Settings,
  sandbox: Pick<Sandbox, "interceptionFaults">,
): VaultReadiness {
  if (!settings.intercepts) return NOT_INTERCEPTING;
  return {
    isTransparent: true,
    isInsecure: settings.trustsAnyHost,
    isKernelEnforced: settings.mode === "dns+nft",
    async isProxyReady(signal) {
      while (!signal.aborted && sandbox.interceptionFaults().length > 0) await delay(READINESS_LOOK_MS);
      return !signal.aborted;
    },
  };
}
