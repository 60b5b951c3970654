import type { VaultParts } from "../api/vault/vault-parts.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { Settings } from "../config.ts";
import { setDumpable } from "../sys/dumpable.ts";
import { runInSlices } from "../sys/in-slices.ts";
import { createSourceLoader } from "../vault/io/load-source.ts";
import { type OpenVault, openVault } from "../vault/io/open-vault.ts";
import type { VaultReadiness } from "../vault/readiness.ts";
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
