import type { AuditLog } from "../../audit/audit-log.ts";
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import { TCP } from "../../netfilter/wire/constants.ts";
import type { RequestRefused } from "../events.ts";

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
  return ({ name, method, address, port, layer, rule, isAudited }) =>
    audit.decided({
      kind: "connection",
      decision: isAudited ? "audited" : "denied",
      timeMs: nowMs(),
      name,
      qname: undefined,
      qtype: 0,
      rcode: 0,
      upstream: undefined,
      durationMs: 0,
      protocol: TCP,
      port,
      layer,
      rule,
      reason: "shown-request",
      shown: {
        problem: `a ${method.slice(0, METHOD_SHOWN)} request`,
        owners: learned.namesOf(address),
        isAllowedElsewhere: false,
      },
      takenOut: undefined,
      forEachAddress: (visit) => visit(address, 0, address.length === 4 ? 4 : 16),
    });
}

/** A method may be as long as a head. */
const METHOD_SHOWN = 32;
