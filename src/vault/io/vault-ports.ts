import type { TakeSteps } from "../../policy/steps.ts";
import type { VaultAudit } from "../vault-control.ts";
import type { LoadSource } from "./load-source.ts";

export interface VaultPorts {
  readonly load: LoadSource;
  readonly audit: VaultAudit;
  /** Takes the steps of long work. */
  readonly takeSteps: TakeSteps;
  readonly nowMs: () => number;
  /** Called before the vault keeps a secret. */
  readonly guardMemory: () => void;
}
