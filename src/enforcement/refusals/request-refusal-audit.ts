import type { AuditLog } from "../../audit/audit-log.ts";
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import type { RequestRefused } from "../events.ts";
import { decisionOfShown } from "./shown-decision.ts";

export interface RequestRefusalAuditOptions {
  readonly audit: Pick<AuditLog, "decided">;
  readonly learned: Pick<LearnedAddresses, "namesOf">;
  /** Unix time. */
  readonly nowMs: () => number;
}

/** Turns requests that a rule has refused into decisions on their connection. Nothing tells a path. */
export function createRequestRefusalAudit({
  audit,
  learned,
  nowMs,
}: RequestRefusalAuditOptions): (refused: RequestRefused) => void {
  return ({ method, ...refused }) => {
    const problem = `a ${method.slice(0, METHOD_SHOWN)} request`;
    const shown = { problem, owners: learned.namesOf(refused.address), isAllowedElsewhere: false };
    audit.decided(decisionOfShown({ ...refused, reason: "shown-request", shown }, nowMs()));
  };
}

/** A method may be as long as a head. */
const METHOD_SHOWN = 32;
