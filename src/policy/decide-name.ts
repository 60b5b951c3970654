import type { CompiledPolicy } from "./compile.ts";
import type { Decision, RankedDecision } from "./decision.ts";
import type { DomainName } from "./domain-name.ts";
import { bitOfName, matchesName } from "./target-bits.ts";

/**
 * Which rule decides a name; `rule: undefined` means the default action did. Cost grows with the places where names of the policy part
 * on the way to this one: with the logarithm of their number. Allocates nothing.
 */
export function decideName(policy: CompiledPolicy, qname: DomainName): Decision {
  let found: RankedDecision | undefined;
  const end = 8 * (qname.length + 1);
  for (let node = policy.rules.names; node !== undefined && node.bits <= end;) {
    const { own, sample } = node;
    // The way is chosen by single bits, so a rule that stands on it may still be another name's.
    if (own !== undefined && (found === undefined || own.rank < found.rank)) {
      if (matchesName(sample, qname)) found = own;
    }
    node = bitOfName(qname, node.bits) === 0 ? node.zero : node.one;
  }
  return found ?? policy.fallback;
}
