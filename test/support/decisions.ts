/** Decisions for tests, with the parts that matter filled in. */
import type { DecisionEvent } from "../../src/decisions/decision-event.ts";
import { parseAddress } from "../../src/policy/address.ts";
import { isDomainName } from "../../src/policy/domain-name.ts";

export const AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

type Given = Partial<Omit<DecisionEvent, "forEachAddress" | "kind">> & {
  readonly addresses?: readonly string[];
};

/** An allowed lookup of an A record, unless told. */
export function lookupOf(name: string, given: Given = {}): DecisionEvent {
  return eventOf({ name, qname: isDomainName(name) ? name : undefined, ...given }, "lookup");
}

/** A refused TCP connection to port 443, unless told. */
export function connectionOf(address: string, given: Given = {}): DecisionEvent {
  const refused = { decision: "denied", protocol: 6, port: 443, qtype: 0 } as const;
  return eventOf({ ...refused, addresses: [address], layer: "default", ...given }, "connection");
}

function eventOf({ addresses = [], ...given }: Given, kind: DecisionEvent["kind"]): DecisionEvent {
  const octets = addresses.map((text) => {
    const parsed = parseAddress(text);
    if (!parsed.ok) throw new Error(text);
    return parsed.value.octets;
  });
  return {
    kind,
    decision: "allowed",
    timeMs: AT_MS,
    name: undefined,
    qname: undefined,
    qtype: 1,
    rcode: 0,
    upstream: undefined,
    durationMs: 0,
    protocol: 0,
    port: undefined,
    layer: "user",
    rule: undefined,
    reason: undefined,
    takenOut: undefined,
    ...given,
    forEachAddress(visit) {
      for (const one of octets) visit(one, 0, one.length === 4 ? 4 : 16);
    },
  };
}
