import type { AuditLog } from "../../audit/audit-log.ts";
import type { LookupEvent, LookupObserver } from "../../dns/ports.ts";
import { renderAddress, renderIpv6 } from "../../policy/address.ts";

const REASONS = {
  upstream: "no upstream gave an answer in time",
  kernel: "the kernel refused the addresses",
  overload: "too many lookups under way",
} as const;

/** Turns what the resolver tells into the audit's events; durations of forwarded lookups go to `recordDuration`. */
export function createLookupAudit(
  audit: AuditLog,
  recordDuration: (durationMs: number) => void,
): LookupObserver {
  return {
    forwarded: recordDuration,
    lookedUp(event) {
      const { qname, outcome, decision } = event;
      switch (outcome) {
        case "denied":
          audit.lookupDenied({
            host: event.text,
            layer: decision?.layer ?? "built-in",
            rule: decision?.rule?.target.text,
          });
          return;
        case "answered":
          if (qname !== undefined && audit.wantsAllowed(qname)) {
            audit.lookupAllowed({ host: qname, ips: listAddresses(event) });
          }
          return;
        case "upstream":
        case "kernel":
        case "overload":
          if (qname !== undefined) audit.lookupAllowed({ host: qname, ips: [], error: REASONS[outcome] });
          return;
        // No upstream was asked: what we say by ourselves is no line, and a bound tells once a minute (`limited`).
        case "own":
        case "limited":
      }
    },
    limited({ bound, perMinute, parent, decision }) {
      audit.lookupsLimited({
        parent,
        bound,
        perMinute,
        layer: decision.layer,
        rule: decision.rule?.target.text,
      });
    },
  };
}

function listAddresses(event: LookupEvent): readonly string[] {
  const addresses: string[] = [];
  event.forEachAddress((octets, at, length) => {
    const address = octets.subarray(at, at + length);
    addresses.push(length === 4 ? renderAddress(address) : renderIpv6(address));
  });
  return addresses;
}
