import type { DecisionEvent } from "../../decisions/decision-event.ts";
import { TCP } from "../../netfilter/wire/constants.ts";

/** A connection that was refused for what it has shown, or would have been in audit mode. */
export interface ShownRefusal extends Pick<DecisionEvent, "name" | "layer" | "rule" | "reason" | "shown"> {
  readonly address: Uint8Array;
  readonly port: number;
  readonly isAudited: boolean;
}

/** The decision on it. `timeMs` is Unix time. */
export function decisionOfShown(
  { address, isAudited, ...told }: ShownRefusal,
  timeMs: number,
): DecisionEvent {
  return {
    kind: "connection",
    decision: isAudited ? "audited" : "denied",
    timeMs,
    qname: undefined,
    qtype: 0,
    rcode: 0,
    upstream: undefined,
    durationMs: 0,
    protocol: TCP,
    takenOut: undefined,
    forEachAddress: (visit) => visit(address, 0, address.length === 4 ? 4 : 16),
    ...told,
  };
}
