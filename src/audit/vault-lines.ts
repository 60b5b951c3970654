/** What events of the credential vault write into the log: names, never values. */
import type { Logger } from "pino";
import type { AuditLog } from "./audit-log.ts";
import { event, firstOf } from "./event-fields.ts";

export function createVaultLines(
  logger: Pick<Logger, "info" | "warn" | "error">,
): Pick<AuditLog, "vaultChanged" | "vaultFault"> {
  return {
    vaultChanged({ kind, revision, credentials, bindings, allowedByDefault }) {
      const fields = {
        ...event(`egress.vault_${kind}`),
        revision,
        credentials: firstOf(credentials),
        bindings: firstOf(bindings),
      };
      logger.info(fields, `credential vault ${kind}`);
      if (allowedByDefault.length === 0) return;
      logger.warn(
        { ...event("egress.vault_by_default"), bindings: firstOf(allowedByDefault) },
        "no rule allows hosts of these bindings, the default action does",
      );
    },
    vaultFault({ what, name, sourceType, reason }) {
      const fields = { ...event("egress.vault_fault"), [what]: name, source: sourceType, reason };
      if (reason === undefined) logger.info(fields, `a ${what} of the vault is in force again`);
      else logger.error(fields, `a ${what} of the vault is out of force: requests that need it are refused`);
    },
  };
}
