import type { FlowSet } from "../policy/flow-set.ts";

/** An address that was taken out of the table, with all that puts it back. */
export interface ForgottenAddress {
  readonly key: Uint8Array;
  /** Names that gave it, the latest first. */
  readonly owners: readonly string[];
  readonly untilMs: number;
  /** Those that may go there; without it every flow may. */
  readonly flows?: FlowSet;
}
