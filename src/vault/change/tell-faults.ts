import type { VaultAudit } from "../vault-control.ts";
import type { VaultInForce } from "../vault-in-force.ts";

/**
 * Reports each binding that becomes unavailable, and each that no longer is. A deleted binding gets no
 * report: its deletion is one.
 */
export function createFaultTeller({
  vaultFault,
}: Pick<VaultAudit, "vaultFault">): (vault: VaultInForce) => void {
  let told: ReadonlyMap<string, string | undefined> = new Map();
  return ({ bindings }) => {
    const now = new Map(bindings.map(({ name, unavailable }) => [name, unavailable]));
    for (const [name, reason] of now) {
      if (told.get(name) !== reason) vaultFault({ what: "binding", name, reason });
    }
    told = now;
  };
}
