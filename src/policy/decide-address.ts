import { isIpv4Mapped } from "./address.ts";
import type { CompiledPolicy } from "./compile.ts";
import type { Decision, RankedDecision } from "./decision.ts";
import type { RuleTrie } from "./rule-trie.ts";
import { beginsWith } from "./target-bits.ts";

/**
 * Which rule decides the address whose octets stand in the buffer at the offset, in network order; `rule: undefined` means the
 * default action did. An IPv4-mapped IPv6 address is judged as the IPv4 address. Throws `RangeError` when the
 * address does not lie within the buffer. Cost grows as for `decideName`. Allocates nothing.
 */
export function decideAddress(
  policy: CompiledPolicy,
  octets: Uint8Array,
  offset: number,
  length: 4 | 16,
): Decision {
  if (offset < 0 || offset + length > octets.length) throw new RangeError("address outside of its buffer");
  const { v4, v6 } = policy.rules;
  if (length === 4) return findDecision(v4, octets, offset, 32) ?? policy.fallback;
  if (isIpv4Mapped(octets, offset)) return findDecision(v4, octets, offset + 12, 32) ?? policy.fallback;
  return findDecision(v6, octets, offset, 128) ?? policy.fallback;
}

function findDecision(
  trie: RuleTrie,
  octets: Uint8Array,
  offset: number,
  end: number,
): RankedDecision | undefined {
  let found: RankedDecision | undefined;
  for (let node = trie; node !== undefined;) {
    const { own, bits, sample } = node;
    if (own !== undefined && (found === undefined || own.rank < found.rank)) {
      if (sample.kind === "prefix" && beginsWith(octets, offset, sample.prefix.octets, bits)) found = own;
    }
    if (bits === end) break;
    const octet = octets[offset + (bits >>> 3)] ?? 0;
    node = ((octet >>> (7 - (bits & 7))) & 1) === 0 ? node.zero : node.one;
  }
  return found;
}
