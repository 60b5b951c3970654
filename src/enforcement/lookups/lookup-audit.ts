import type { AuditLog } from "../../audit/audit-log.ts";
import type { LookupObserver } from "../../dns/ports.ts";
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
    denied(host, _qtype, decision) {
      const layer = decision?.layer ?? "built-in";
      audit.lookupDenied({ host, layer, rule: decision?.rule?.target.text });
    },
    answered(host, _qtype, { octets, bodyStart, addressAt, addressCount, addressOctets }) {
      if (!audit.wantsAllowed(host)) return;
      const ips = Array.from(addressAt.subarray(0, addressCount), (offset) => {
        const address = octets.subarray(bodyStart + offset, bodyStart + offset + addressOctets);
        return addressOctets === 4 ? renderAddress(address) : renderIpv6(address);
      });
      audit.lookupAllowed({ host, ips });
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
    failed(host, _qtype, reason) {
      audit.lookupAllowed({ host, ips: [], error: REASONS[reason] });
    },
  };
}
